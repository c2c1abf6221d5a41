// What is set on the node and read from it.
#include "neural_filter.h"

#include "knobs.h"

namespace framebridge_godot {

namespace {

const std::string KNOB_PREFIX = "knobs/";

/// Suggested in the inspector: the packages that come with Framebridge, until a bridge has said what
/// it knows.
std::string &model_suggestions() {
    static std::string names =
        "style-ink,style-oil,style-mosaic,deblur-motion,edges-to-shoes,next-fluid,next-growth,"
        "upscale-x2,upscale-x2-fast,upscale-x3,upscale-x4,passthrough";
    return names;
}

Variant words(std::initializer_list<const char *> list) {
    const Variant array = Variant::construct(GDEXTENSION_VARIANT_TYPE_ARRAY);
    for (const char *word : list) array.call("append", {word});
    return Variant::construct(GDEXTENSION_VARIANT_TYPE_PACKED_STRING_ARRAY, {array});
}

Variant counted(uint64_t count) { return static_cast<int64_t>(count); }

} // namespace

NeuralFilter::NeuralFilter(GDExtensionObjectPtr self)
    : source_path_(Variant::construct(GDEXTENSION_VARIANT_TYPE_NODE_PATH)),
      target_path_(Variant::construct(GDEXTENSION_VARIANT_TYPE_NODE_PATH)),
      knobs_(Variant::construct(GDEXTENSION_VARIANT_TYPE_DICTIONARY)),
      sidecar_command_(words({"framebridge"})), self_(self) {}

NeuralFilter::~NeuralFilter() { close(); }

void NeuralFilter::learn_models(const Variant &answer) {
    if (answer.type() != GDEXTENSION_VARIANT_TYPE_DICTIONARY) return;
    const Variant packages = answer.call("get", {"packages"});
    if (packages.type() != GDEXTENSION_VARIANT_TYPE_ARRAY) return;
    std::string names;
    const int64_t count = packages.call("size").as_int();
    for (int64_t k = 0; k < count; k++) {
        const Variant package = packages.call("get", {k});
        const Variant name = package.type() == GDEXTENSION_VARIANT_TYPE_DICTIONARY
                                 ? package.call("get", {"name", Variant("")})
                                 : package;
        names += (names.empty() ? "" : ",") + name.as_string();
    }
    if (names.empty() || names == model_suggestions()) return;
    model_suggestions() = names;
    self().call("notify_property_list_changed");
}

bool NeuralFilter::shape_property(GDExtensionPropertyInfo *info) const {
    if (Variant::from_type(GDEXTENSION_VARIANT_TYPE_STRING_NAME, info->name).as_string() != "model") {
        return false;
    }
    const std::string &names = model_suggestions();
    godot.destructor_of(GDEXTENSION_VARIANT_TYPE_STRING)(info->hint_string);
    godot.string_new(info->hint_string, names.data(), static_cast<GDExtensionInt>(names.size()));
    return true;
}

bool NeuralFilter::set(const std::string &name, const Variant &value) {
    if (name.compare(0, KNOB_PREFIX.size(), KNOB_PREFIX) != 0) return false;
    turn_knob(name.substr(KNOB_PREFIX.size()), value);
    return true;
}

bool NeuralFilter::get(const std::string &name, Variant &value) const {
    if (name.compare(0, KNOB_PREFIX.size(), KNOB_PREFIX) != 0) return false;
    const Variant knob = name.substr(KNOB_PREFIX.size());
    if (!knobs_.call("has", {knob}).as_bool()) return false;
    value = knobs_.call("get", {knob});
    return true;
}

void NeuralFilter::turn_knob(const Variant &name, const Variant &value) {
    KnobValue knob;
    if (!read_knob(value, knob)) {
        fail("knob " + name.as_string() + ": expected a bool, an int, a float, a String or a Color, found " +
             value.as_string() + ".");
        return;
    }
    knobs_.call("set", {name.as_string(), value});
    std::string error;
    if (!client_.set_parameter(name.as_string(), knob.value, error)) fail(error);
}

Variant NeuralFilter::set_parameter(const Variant *arguments) {
    turn_knob(arguments[0], arguments[1]);
    return {};
}

Variant NeuralFilter::submit_image(const Variant *arguments) {
    CapturedFrame frame;
    if (!capture_image(arguments[0], frame)) {
        fail("submit_image: expected an Image with pixels.");
        return false;
    }
    if (!client_.is_open() || stale_) {
        ClientSettings settings = settings_for(FrameSource{});
        settings.width = frame.width;
        settings.height = frame.height;
        if (!open(settings)) return false;
    }
    const auto frame_id = static_cast<uint64_t>(singleton("Engine").call("get_frames_drawn").as_int()) + 1;
    send(frame, frame_id);
    return true;
}

Variant NeuralFilter::reset(const Variant *arguments) {
    client_.reset(arguments[0].as_int());
    return {};
}

Variant NeuralFilter::restart(const Variant *) {
    close();
    return {};
}

Variant NeuralFilter::is_live(const Variant *) { return state_ == LIVE; }

Variant NeuralFilter::get_models(const Variant *) {
    return Variant(model_suggestions()).call("split", {","});
}

Variant NeuralFilter::set_enabled(const Variant *arguments) {
    enabled_ = arguments[0].as_bool();
    if (!enabled_.as_bool()) close();
    return {};
}

Variant NeuralFilter::set_model(const Variant *arguments) {
    const Variant model = arguments[0].as_string();
    if (model == model_) return {};
    model_ = model;
    // A running stream goes on with the old model until the new one is loaded. Refused settings
    // have left no client, so the next frame tries again.
    if (client_.is_open()) {
        client_.load(model_.as_string());
    } else {
        stale_ = true;
    }
    return {};
}

Variant NeuralFilter::get_knobs(const Variant *) { return knobs_.call("duplicate"); }

Variant NeuralFilter::set_knobs(const Variant *arguments) {
    if (arguments[0].type() != GDEXTENSION_VARIANT_TYPE_DICTIONARY) return {};
    // A copy: whoever holds the other may change it, and nobody would be told.
    const Variant knobs = arguments[0].call("duplicate");
    const Variant before = knobs_;
    knobs_ = knobs;
    if (!client_.is_open()) return {};
    const Variant names = knobs.call("keys");
    const int64_t count = names.call("size").as_int();
    for (int64_t k = 0; k < count; k++) {
        const Variant name = names.call("get", {k});
        const Variant value = knobs.call("get", {name});
        if (before.call("get", {name}) != value) turn_knob(name, value);
    }
    return {};
}

Variant NeuralFilter::set_target(const Variant *arguments) {
    target_path_ = arguments[0];
    on_target_ = false;
    return {};
}

Variant NeuralFilter::set_target_property(const Variant *arguments) {
    target_property_ = arguments[0];
    on_target_ = false;
    return {};
}

Variant NeuralFilter::get_texture(const Variant *) { return result_.texture(); }
Variant NeuralFilter::get_state(const Variant *) { return state_; }
Variant NeuralFilter::get_origin(const Variant *) { return origin_; }
Variant NeuralFilter::get_sent_frame_id(const Variant *) { return counted(statistics_.last_sent_id); }
Variant NeuralFilter::get_result_frame_id(const Variant *) { return counted(result_frame_id_); }
Variant NeuralFilter::get_latency_ms(const Variant *) { return statistics_.latency_ms; }
Variant NeuralFilter::get_sent(const Variant *) { return counted(statistics_.sent); }
Variant NeuralFilter::get_returned(const Variant *) { return counted(statistics_.returned); }
Variant NeuralFilter::get_dropped(const Variant *) { return counted(statistics_.dropped); }
Variant NeuralFilter::get_skipped(const Variant *) { return counted(statistics_.skipped); }
Variant NeuralFilter::get_restarts(const Variant *) { return counted(statistics_.restarts); }

} // namespace framebridge_godot
