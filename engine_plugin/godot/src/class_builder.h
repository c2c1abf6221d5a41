// Tells Godot of a class: its methods, properties, signals and constants.
#pragma once

#include "godot_interface.h"

#include <string>
#include <vector>

namespace framebridge_godot {

/// A property, an argument or a returned value, as the inspector and the script editor see it.
/// Hints and usages are those of Godot's PropertyHint and PropertyUsageFlags.
struct PropertyShape {
    std::string name;
    GDExtensionVariantType type = GDEXTENSION_VARIANT_TYPE_NIL;
    uint32_t hint = 0;
    std::string hint_string{};
    uint32_t usage = 6;
    std::string class_name{};
};

enum : uint32_t {
    HINT_NONE = 0,
    HINT_RANGE = 1,
    HINT_ENUM = 2,
    HINT_ENUM_SUGGESTION = 3,
    HINT_RESOURCE_TYPE = 17,
    HINT_MULTILINE_TEXT = 18,
    HINT_NODE_PATH_VALID_TYPES = 26,
    HINT_TOOL_BUTTON = 39,
    USAGE_STORED = 2,
    USAGE_EDITOR = 4,
    USAGE_DEFAULT = 6,
    USAGE_READ_ONLY = 1u << 28,
    USAGE_SHOWN = USAGE_EDITOR | USAGE_READ_ONLY,
    USAGE_NIL_IS_VARIANT = 1u << 17,
};

/// A PropertyShape in Godot's layout. What it names must be given back by `release`.
GDExtensionPropertyInfo make_property_info(const PropertyShape &shape);
void release(GDExtensionPropertyInfo &info);

/// Registers members of one class whose instances are `Instance`. Methods take as many Variants as
/// they state; what they get has been checked in number, not in type.
template <typename Instance> class ClassBuilder {
  public:
    using Method = Variant (Instance::*)(const Variant *arguments);

    explicit ClassBuilder(const char *class_name) : class_name_(class_name) {}

    void method(const char *name, Method method, PropertyShape result = {},
                std::vector<PropertyShape> arguments = {});
    /// A property with a getter, and a setter unless it is null.
    void property(PropertyShape shape, Method get, Method set);
    void group(const char *title, const char *prefix = "");
    void signal(const char *name, std::vector<PropertyShape> arguments = {});
    void constants(const char *enumeration, std::initializer_list<const char *> names);

  private:
    struct Bound {
        Method method;
        PropertyShape result;
        std::vector<PropertyShape> arguments;
    };

    static void call(void *bound, GDExtensionClassInstancePtr instance,
                     const GDExtensionConstVariantPtr *arguments, GDExtensionInt count,
                     GDExtensionVariantPtr result, GDExtensionCallError *error);
    static void typed_call(void *bound, GDExtensionClassInstancePtr instance,
                           const GDExtensionConstTypePtr *arguments, GDExtensionTypePtr result);

    const char *class_name_;
};

/// For a typed call: a Variant from Godot's layout, and back into a value that exists already.
Variant variant_from_argument(const PropertyShape &shape, GDExtensionConstTypePtr argument);
void assign_result(const PropertyShape &shape, const Variant &value, GDExtensionTypePtr result);

template <typename Instance>
void ClassBuilder<Instance>::call(void *bound, GDExtensionClassInstancePtr instance,
                                  const GDExtensionConstVariantPtr *arguments, GDExtensionInt count,
                                  GDExtensionVariantPtr result, GDExtensionCallError *error) {
    const Bound &self = *static_cast<const Bound *>(bound);
    const auto expected = static_cast<GDExtensionInt>(self.arguments.size());
    if (count != expected) {
        error->error = count < expected ? GDEXTENSION_CALL_ERROR_TOO_FEW_ARGUMENTS
                                        : GDEXTENSION_CALL_ERROR_TOO_MANY_ARGUMENTS;
        error->expected = static_cast<int32_t>(expected);
        return;
    }
    std::vector<Variant> copies;
    for (GDExtensionInt k = 0; k < count; k++) copies.push_back(Variant::copy(arguments[k]));
    const Variant value = (static_cast<Instance *>(instance)->*self.method)(copies.data());
    error->error = GDEXTENSION_CALL_OK;
    godot.variant_destroy(result);
    godot.variant_new_copy(result, value.pointer());
}

template <typename Instance>
void ClassBuilder<Instance>::typed_call(void *bound, GDExtensionClassInstancePtr instance,
                                        const GDExtensionConstTypePtr *arguments,
                                        GDExtensionTypePtr result) {
    const Bound &self = *static_cast<const Bound *>(bound);
    std::vector<Variant> copies;
    for (size_t k = 0; k < self.arguments.size(); k++) {
        copies.push_back(variant_from_argument(self.arguments[k], arguments[k]));
    }
    const Variant value = (static_cast<Instance *>(instance)->*self.method)(copies.data());
    if (result != nullptr) assign_result(self.result, value, result);
}

template <typename Instance>
void ClassBuilder<Instance>::method(const char *name, Method method, PropertyShape result,
                                    std::vector<PropertyShape> arguments) {
    // Godot keeps the pointer for as long as the extension is loaded.
    auto *bound = new Bound{method, std::move(result), std::move(arguments)};
    std::vector<GDExtensionPropertyInfo> infos;
    for (const PropertyShape &argument : bound->arguments) infos.push_back(make_property_info(argument));
    std::vector<GDExtensionClassMethodArgumentMetadata> metadata(
        infos.size(), GDEXTENSION_METHOD_ARGUMENT_METADATA_NONE);
    GDExtensionPropertyInfo result_info = make_property_info(bound->result);
    GDExtensionClassMethodInfo info{};
    info.name = Name::of(name).pointer();
    info.method_userdata = bound;
    info.call_func = &ClassBuilder::call;
    info.ptrcall_func = &ClassBuilder::typed_call;
    info.method_flags = GDEXTENSION_METHOD_FLAGS_DEFAULT;
    info.has_return_value = bound->result.type != GDEXTENSION_VARIANT_TYPE_NIL ||
                            (bound->result.usage & USAGE_NIL_IS_VARIANT) != 0;
    info.return_value_info = &result_info;
    info.argument_count = static_cast<uint32_t>(infos.size());
    info.arguments_info = infos.data();
    info.arguments_metadata = metadata.data();
    godot.register_method(godot.library, Name::of(class_name_).pointer(), &info);
    for (GDExtensionPropertyInfo &argument : infos) release(argument);
    release(result_info);
}

template <typename Instance>
void ClassBuilder<Instance>::property(PropertyShape shape, Method get, Method set) {
    const std::string getter = "get_" + shape.name;
    const std::string setter = "set_" + shape.name;
    PropertyShape value = shape;
    value.hint = HINT_NONE;
    value.hint_string.clear();
    value.usage = USAGE_DEFAULT;
    method(getter.c_str(), get, value);
    if (set != nullptr) method(setter.c_str(), set, {}, {value});
    GDExtensionPropertyInfo info = make_property_info(shape);
    godot.register_property(godot.library, Name::of(class_name_).pointer(), &info,
                            Name::of(set != nullptr ? setter.c_str() : "").pointer(),
                            Name::of(getter.c_str()).pointer());
    release(info);
}

template <typename Instance> void ClassBuilder<Instance>::group(const char *title, const char *prefix) {
    Variant title_text(title), prefix_text(prefix);
    void *strings[2] = {nullptr, nullptr};
    title_text.to_type(GDEXTENSION_VARIANT_TYPE_STRING, &strings[0]);
    prefix_text.to_type(GDEXTENSION_VARIANT_TYPE_STRING, &strings[1]);
    godot.register_group(godot.library, Name::of(class_name_).pointer(), &strings[0], &strings[1]);
    for (void *&string : strings) godot.destructor_of(GDEXTENSION_VARIANT_TYPE_STRING)(&string);
}

template <typename Instance>
void ClassBuilder<Instance>::signal(const char *name, std::vector<PropertyShape> arguments) {
    std::vector<GDExtensionPropertyInfo> infos;
    for (const PropertyShape &argument : arguments) infos.push_back(make_property_info(argument));
    godot.register_signal(godot.library, Name::of(class_name_).pointer(), Name::of(name).pointer(),
                          infos.data(), static_cast<GDExtensionInt>(infos.size()));
    for (GDExtensionPropertyInfo &info : infos) release(info);
}

template <typename Instance>
void ClassBuilder<Instance>::constants(const char *enumeration, std::initializer_list<const char *> names) {
    GDExtensionInt value = 0;
    for (const char *name : names) {
        godot.register_constant(godot.library, Name::of(class_name_).pointer(),
                                Name::of(enumeration).pointer(), Name::of(name).pointer(), value++, 0);
    }
}

} // namespace framebridge_godot
