#include "class_builder.h"

namespace framebridge_godot {

GDExtensionPropertyInfo make_property_info(const PropertyShape &shape) {
    auto *hint = new void *(nullptr);
    godot.string_new(hint, shape.hint_string.data(), static_cast<GDExtensionInt>(shape.hint_string.size()));
    return {shape.type,
            Name::of(shape.name.c_str()).pointer(),
            Name::of(shape.class_name.c_str()).pointer(),
            shape.hint,
            hint,
            shape.usage};
}

void release(GDExtensionPropertyInfo &info) {
    auto *hint = static_cast<void **>(info.hint_string);
    godot.destructor_of(GDEXTENSION_VARIANT_TYPE_STRING)(hint);
    delete hint;
    info.hint_string = nullptr;
}

Variant variant_from_argument(const PropertyShape &shape, GDExtensionConstTypePtr argument) {
    if (shape.type == GDEXTENSION_VARIANT_TYPE_NIL) return Variant::copy(argument);
    return Variant::from_type(shape.type, argument);
}

void assign_result(const PropertyShape &shape, const Variant &value, GDExtensionTypePtr result) {
    switch (shape.type) {
    case GDEXTENSION_VARIANT_TYPE_NIL:
        if ((shape.usage & USAGE_NIL_IS_VARIANT) == 0) return;
        godot.variant_destroy(result);
        godot.variant_new_copy(result, value.pointer());
        return;
    case GDEXTENSION_VARIANT_TYPE_OBJECT:
        // All objects that are returned here are RefCounted, and Godot waits for a reference.
        godot.ref_set_object(result, value.as_object());
        return;
    default:
        if (GDExtensionPtrDestructor destroy = godot.destructor_of(shape.type)) destroy(result);
        value.to_type(shape.type, result);
    }
}

} // namespace framebridge_godot
