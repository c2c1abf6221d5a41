// What Godot is told of NeuralFilter: the table of its members, and how instances are made.
#include "class_builder.h"
#include "neural_filter.h"

namespace framebridge_godot {

namespace {

constexpr const char *CLASS = "NeuralFilter";
constexpr const char *PARENT = "Node";

constexpr auto BOOL = GDEXTENSION_VARIANT_TYPE_BOOL;
constexpr auto INT = GDEXTENSION_VARIANT_TYPE_INT;
constexpr auto FLOAT = GDEXTENSION_VARIANT_TYPE_FLOAT;
constexpr auto STRING = GDEXTENSION_VARIANT_TYPE_STRING;
constexpr auto STRING_NAME = GDEXTENSION_VARIANT_TYPE_STRING_NAME;
constexpr auto NODE_PATH = GDEXTENSION_VARIANT_TYPE_NODE_PATH;
constexpr auto OBJECT = GDEXTENSION_VARIANT_TYPE_OBJECT;
constexpr auto DICTIONARY = GDEXTENSION_VARIANT_TYPE_DICTIONARY;
constexpr auto STRINGS = GDEXTENSION_VARIANT_TYPE_PACKED_STRING_ARRAY;

GDExtensionObjectPtr create(void *, GDExtensionBool notify) {
    GDExtensionObjectPtr object = godot.construct_object(Name::of(PARENT).pointer());
    godot.object_set_instance(object, Name::of(CLASS).pointer(), new NeuralFilter(object));
    if (notify) Variant::object(object).call("notification", {0});
    return object;
}

void destroy(void *, GDExtensionClassInstancePtr instance) { delete static_cast<NeuralFilter *>(instance); }

void notify(GDExtensionClassInstancePtr instance, int32_t what, GDExtensionBool) {
    static_cast<NeuralFilter *>(instance)->notification(what);
}

std::string text_of(GDExtensionConstStringNamePtr name) {
    return Variant::from_type(STRING_NAME, name).as_string();
}

GDExtensionBool set_other(GDExtensionClassInstancePtr instance, GDExtensionConstStringNamePtr name,
                          GDExtensionConstVariantPtr value) {
    return static_cast<NeuralFilter *>(instance)->set(text_of(name), Variant::copy(value));
}

GDExtensionBool get_other(GDExtensionClassInstancePtr instance, GDExtensionConstStringNamePtr name,
                          GDExtensionVariantPtr result) {
    Variant value;
    if (!static_cast<NeuralFilter *>(instance)->get(text_of(name), value)) return 0;
    godot.variant_destroy(result);
    godot.variant_new_copy(result, value.pointer());
    return 1;
}

GDExtensionBool shape(GDExtensionClassInstancePtr instance, GDExtensionPropertyInfo *info) {
    return static_cast<NeuralFilter *>(instance)->shape_property(info);
}

void register_members() {
    using F = NeuralFilter;
    ClassBuilder<F> c(CLASS);
    c.constants("State", {"STATE_ABSENT", "STATE_CONNECTING", "STATE_OPENING", "STATE_LIVE", "STATE_PAUSED",
                          "STATE_FAILED", "STATE_OFF"});
    c.constants("Policy", {"POLICY_LATEST", "POLICY_LOCKSTEP", "POLICY_FREE"});
    c.constants("WhenGone", {"GONE_PASS_THROUGH", "GONE_HOLD", "GONE_CLEAR"});
    c.constants("Path", {"PATH_AUTO", "PATH_PROCESSOR", "PATH_OPENGL"});
    c.constants("Origin", {"ORIGIN_BRIDGE", "ORIGIN_PASSED_THROUGH", "ORIGIN_CLEARED"});

    c.property({"enabled", BOOL}, &F::get_plain<&F::enabled_>, &F::set_enabled);
    c.property({"model", STRING, HINT_ENUM_SUGGESTION, "style-ink"}, &F::get_plain<&F::model_>, &F::set_model);
    c.property({"mix", FLOAT, HINT_RANGE, "0,1,0.01"}, &F::get_plain<&F::mix_>, &F::set_plain<&F::mix_>);
    c.property({"knobs", DICTIONARY}, &F::get_knobs, &F::set_knobs);

    c.group("Source");
    c.property({"source", NODE_PATH, HINT_NODE_PATH_VALID_TYPES, "Viewport,SubViewportContainer"},
               &F::get_plain<&F::source_path_>, &F::set_opening<&F::source_path_>);
    c.property({"source_texture", OBJECT, HINT_RESOURCE_TYPE, "Texture2D", USAGE_DEFAULT, "Texture2D"},
               &F::get_plain<&F::source_texture_>, &F::set_plain<&F::source_texture_>);
    c.property({"keep_alpha", BOOL}, &F::get_plain<&F::keep_alpha_>, &F::set_opening<&F::keep_alpha_>);
    c.property({"path", INT, HINT_ENUM, "Auto,Processor,OpenGL"}, &F::get_plain<&F::path_>, &F::set_plain<&F::path_>);

    c.group("Target");
    c.property({"target", NODE_PATH}, &F::get_plain<&F::target_path_>, &F::set_target);
    c.property({"target_property", STRING, HINT_ENUM_SUGGESTION,
                "texture,material_override:albedo_texture,material:shader_parameter/screen"},
               &F::get_plain<&F::target_property_>, &F::set_target_property);
    c.property({"texture", OBJECT, HINT_RESOURCE_TYPE, "ImageTexture", 0, "ImageTexture"}, &F::get_texture, nullptr);

    c.group("Timing");
    c.property({"policy", INT, HINT_ENUM, "Latest,Lockstep,Free"}, &F::get_plain<&F::policy_>,
               &F::set_opening<&F::policy_>);
    c.property({"rate", FLOAT, HINT_RANGE, "0,240,0.1,or_greater,suffix:Hz"}, &F::get_plain<&F::rate_>,
               &F::set_opening<&F::rate_>);
    c.property({"when_gone", INT, HINT_ENUM, "Pass Through,Hold,Clear"}, &F::get_plain<&F::when_gone_>,
               &F::set_opening<&F::when_gone_>);
    c.property({"lockstep_timeout_s", FLOAT, HINT_RANGE, "0.1,600,0.1,suffix:s"},
               &F::get_plain<&F::lockstep_timeout_s_>, &F::set_plain<&F::lockstep_timeout_s_>);
    c.property({"seed", INT, HINT_RANGE, "0,4294967295,1"}, &F::get_plain<&F::seed_>, &F::set_opening<&F::seed_>);

    c.group("Bridge");
    c.property({"auto_start", BOOL}, &F::get_plain<&F::auto_start_>, &F::set_opening<&F::auto_start_>);
    c.property({"sidecar_command", STRINGS}, &F::get_plain<&F::sidecar_command_>,
               &F::set_opening<&F::sidecar_command_>);
    c.property({"shared", BOOL}, &F::get_plain<&F::shared_>, &F::set_opening<&F::shared_>);

    c.group("State");
    c.property({"state", INT, HINT_ENUM, "Absent,Connecting,Opening,Live,Paused,Failed,Off", USAGE_SHOWN},
               &F::get_state, nullptr);
    c.property({"status", STRING, HINT_MULTILINE_TEXT, "", USAGE_SHOWN}, &F::get_status, nullptr);
    c.property({"origin", INT, HINT_ENUM, "Bridge,Passed Through,Cleared", USAGE_SHOWN}, &F::get_origin, nullptr);
    c.property({"sent_frame_id", INT, HINT_NONE, "", USAGE_SHOWN}, &F::get_sent_frame_id, nullptr);
    c.property({"result_frame_id", INT, HINT_NONE, "", USAGE_SHOWN}, &F::get_result_frame_id, nullptr);
    c.property({"latency_ms", FLOAT, HINT_NONE, "suffix:ms", USAGE_SHOWN}, &F::get_latency_ms, nullptr);
    c.property({"sent", INT, HINT_NONE, "", USAGE_SHOWN}, &F::get_sent, nullptr);
    c.property({"returned", INT, HINT_NONE, "", USAGE_SHOWN}, &F::get_returned, nullptr);
    c.property({"dropped", INT, HINT_NONE, "", USAGE_SHOWN}, &F::get_dropped, nullptr);
    c.property({"skipped", INT, HINT_NONE, "", USAGE_SHOWN}, &F::get_skipped, nullptr);
    c.property({"restarts", INT, HINT_NONE, "", USAGE_SHOWN}, &F::get_restarts, nullptr);

    const PropertyShape any{"value", GDEXTENSION_VARIANT_TYPE_NIL, HINT_NONE, "",
                            USAGE_DEFAULT | USAGE_NIL_IS_VARIANT};
    c.method("set_parameter", &F::set_parameter, {}, {{"name", STRING_NAME}, any});
    c.method("submit_image", &F::submit_image, {"", BOOL},
             {{"image", OBJECT, HINT_RESOURCE_TYPE, "Image", USAGE_DEFAULT, "Image"}});
    c.method("reset", &F::reset, {}, {{"seed", INT}});
    c.method("restart", &F::restart);
    c.method("is_live", &F::is_live, {"", BOOL});
    c.method("get_models", &F::get_models, {"", STRINGS});
    c.method("_before_draw", &F::before_draw);
    c.method("_after_draw", &F::after_draw);

    c.signal("connected");
    c.signal("lost", {{"reason", STRING}});
    c.signal("frame_ready", {{"frame_id", INT}});
    c.signal("failed", {{"message", STRING}});
}

} // namespace

void NeuralFilter::register_class() {
    GDExtensionClassCreationInfo4 info{};
    info.is_exposed = 1;
    info.create_instance_func = create;
    info.free_instance_func = destroy;
    info.notification_func = notify;
    info.set_func = set_other;
    info.get_func = get_other;
    info.validate_property_func = shape;
    godot.register_class(godot.library, Name::of(CLASS).pointer(), Name::of(PARENT).pointer(), &info);
    register_members();
}

void NeuralFilter::unregister_class() {
    godot.unregister_class(godot.library, Name::of(CLASS).pointer());
}

} // namespace framebridge_godot
