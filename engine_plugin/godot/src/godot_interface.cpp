#include "godot_interface.h"

#include <cstring>
#include <map>
#include <memory>
#include <vector>

namespace framebridge_godot {

Interface godot;

namespace {

std::map<std::string, std::unique_ptr<Name>> &names() {
    static std::map<std::string, std::unique_ptr<Name>> table;
    return table;
}

template <typename Function>
bool fetch(GDExtensionInterfaceGetProcAddress get, const char *name, Function &function) {
    function = reinterpret_cast<Function>(reinterpret_cast<void *>(get(name)));
    return function != nullptr;
}

} // namespace

const char *fetch_interface(GDExtensionInterfaceGetProcAddress get, GDExtensionClassLibraryPtr library) {
    godot.library = library;
#define FETCH(name, member) \
    if (!fetch(get, name, godot.member)) return name
    FETCH("get_variant_from_type_constructor", variant_from_type);
    FETCH("get_variant_to_type_constructor", variant_to_type);
    FETCH("variant_new_nil", variant_new_nil);
    FETCH("variant_new_copy", variant_new_copy);
    FETCH("variant_destroy", variant_destroy);
    FETCH("variant_call", variant_call);
    FETCH("variant_get_type", variant_get_type);
    FETCH("variant_get_named", variant_get_named);
    FETCH("variant_construct", variant_construct);
    FETCH("variant_get_ptr_destructor", destructor_of);
    FETCH("variant_evaluate", variant_evaluate);
    FETCH("variant_stringify", variant_stringify);
    FETCH("string_new_with_utf8_chars_and_len", string_new);
    FETCH("string_to_utf8_chars", string_to_utf8);
    FETCH("string_name_new_with_utf8_chars", name_new);
    FETCH("global_get_singleton", singleton);
    FETCH("classdb_construct_object2", construct_object);
    FETCH("object_set_instance", object_set_instance);
    FETCH("object_get_instance_from_id", object_from_id);
    FETCH("object_get_instance_id", object_id);
    FETCH("ref_set_object", ref_set_object);
    FETCH("image_ptr", image_pointer);
    FETCH("image_ptrw", image_pointer_w);
    FETCH("packed_byte_array_operator_index_const", bytes_at);
    FETCH("print_error", print_error);
    FETCH("print_warning", print_warning);
    FETCH("classdb_register_extension_class4", register_class);
    FETCH("classdb_unregister_extension_class", unregister_class);
    FETCH("classdb_register_extension_class_method", register_method);
    FETCH("classdb_register_extension_class_property", register_property);
    FETCH("classdb_register_extension_class_property_group", register_group);
    FETCH("classdb_register_extension_class_signal", register_signal);
    FETCH("classdb_register_extension_class_integer_constant", register_constant);
#undef FETCH
    fetch(get, "editor_help_load_xml_from_utf8_chars", godot.load_help);
    return nullptr;
}

Name::Name(const char *utf8) { godot.name_new(&opaque_, utf8); }

Name::~Name() { godot.destructor_of(GDEXTENSION_VARIANT_TYPE_STRING_NAME)(&opaque_); }

const Name &Name::of(const char *utf8) {
    std::unique_ptr<Name> &name = names()[utf8];
    if (!name) name = std::make_unique<Name>(utf8);
    return *name;
}

void Name::forget_all() { names().clear(); }

Variant::Variant() { godot.variant_new_nil(opaque_); }

Variant::Variant(bool value) {
    GDExtensionBool boolean = value ? 1 : 0;
    godot.variant_from_type(GDEXTENSION_VARIANT_TYPE_BOOL)(opaque_, &boolean);
}

Variant::Variant(int64_t value) {
    godot.variant_from_type(GDEXTENSION_VARIANT_TYPE_INT)(opaque_, &value);
}

Variant::Variant(double value) {
    godot.variant_from_type(GDEXTENSION_VARIANT_TYPE_FLOAT)(opaque_, &value);
}

Variant::Variant(const std::string &utf8) {
    void *string = nullptr;
    godot.string_new(&string, utf8.data(), static_cast<GDExtensionInt>(utf8.size()));
    godot.variant_from_type(GDEXTENSION_VARIANT_TYPE_STRING)(opaque_, &string);
    godot.destructor_of(GDEXTENSION_VARIANT_TYPE_STRING)(&string);
}

Variant::Variant(const Variant &other) { godot.variant_new_copy(opaque_, other.opaque_); }

Variant::Variant(Variant &&other) noexcept : Variant() { std::swap(opaque_, other.opaque_); }

Variant &Variant::operator=(Variant other) noexcept {
    std::swap(opaque_, other.opaque_);
    return *this;
}

Variant::~Variant() { godot.variant_destroy(opaque_); }

Variant Variant::object(GDExtensionObjectPtr object) {
    if (object == nullptr) return {};
    return from_type(GDEXTENSION_VARIANT_TYPE_OBJECT, &object);
}

Variant Variant::copy(GDExtensionConstVariantPtr variant) {
    Variant result;
    godot.variant_destroy(result.opaque_);
    godot.variant_new_copy(result.opaque_, variant);
    return result;
}

Variant Variant::construct(GDExtensionVariantType type, std::initializer_list<Variant> arguments) {
    std::vector<GDExtensionConstVariantPtr> pointers;
    for (const Variant &argument : arguments) pointers.push_back(argument.opaque_);
    Variant result;
    GDExtensionCallError error{};
    godot.variant_destroy(result.opaque_);
    godot.variant_construct(type, result.opaque_, pointers.data(), static_cast<int32_t>(pointers.size()),
                            &error);
    return result;
}

Variant Variant::from_type(GDExtensionVariantType type, const void *value) {
    Variant result;
    godot.variant_destroy(result.opaque_);
    godot.variant_from_type(type)(result.opaque_, const_cast<void *>(value));
    return result;
}

GDExtensionVariantType Variant::type() const { return godot.variant_get_type(opaque_); }

void Variant::to_type(GDExtensionVariantType type, void *value) const {
    godot.variant_to_type(type)(value, const_cast<unsigned char *>(opaque_));
}

bool Variant::as_bool() const {
    GDExtensionBool value = 0;
    to_type(GDEXTENSION_VARIANT_TYPE_BOOL, &value);
    return value != 0;
}

int64_t Variant::as_int() const {
    int64_t value = 0;
    to_type(GDEXTENSION_VARIANT_TYPE_INT, &value);
    return value;
}

double Variant::as_double() const {
    double value = 0;
    to_type(GDEXTENSION_VARIANT_TYPE_FLOAT, &value);
    return value;
}

GDExtensionObjectPtr Variant::as_object() const {
    GDExtensionObjectPtr value = nullptr;
    if (type() == GDEXTENSION_VARIANT_TYPE_OBJECT) to_type(GDEXTENSION_VARIANT_TYPE_OBJECT, &value);
    return value;
}

std::string Variant::as_string() const {
    void *string = nullptr;
    godot.variant_stringify(opaque_, &string);
    const GDExtensionInt size = godot.string_to_utf8(&string, nullptr, 0);
    std::string text(static_cast<size_t>(size), '\0');
    godot.string_to_utf8(&string, text.data(), size);
    godot.destructor_of(GDEXTENSION_VARIANT_TYPE_STRING)(&string);
    return text;
}

Variant Variant::call(const char *method, std::initializer_list<Variant> arguments) const {
    GDExtensionConstVariantPtr pointers[12];
    size_t count = 0;
    for (const Variant &argument : arguments) pointers[count++] = argument.opaque_;
    Variant result;
    GDExtensionCallError error{};
    godot.variant_destroy(result.opaque_);
    godot.variant_call(pointer(), Name::of(method).pointer(), pointers,
                       static_cast<GDExtensionInt>(count), result.opaque_, &error);
    if (error.error != GDEXTENSION_CALL_OK) {
        log_error(std::string("cannot call ") + method + " of " + as_string());
    }
    return result;
}

Variant Variant::get(const char *member) const {
    Variant result;
    GDExtensionBool valid = 0;
    godot.variant_destroy(result.opaque_);
    godot.variant_get_named(opaque_, Name::of(member).pointer(), result.opaque_, &valid);
    return result;
}

bool Variant::operator==(const Variant &other) const {
    // Godot compares values of different types with an error, not with false.
    if (type() != other.type()) return false;
    Variant result;
    GDExtensionBool valid = 0;
    godot.variant_destroy(result.opaque_);
    godot.variant_evaluate(GDEXTENSION_VARIANT_OP_EQUAL, opaque_, other.opaque_, result.opaque_, &valid);
    return valid != 0 && result.as_bool();
}

Variant singleton(const char *name) {
    return Variant::object(godot.singleton(Name::of(name).pointer()));
}

Variant make_object(const char *class_name) {
    GDExtensionObjectPtr made = godot.construct_object(Name::of(class_name).pointer());
    if (made == nullptr) return {};
    Variant object = Variant::object(made);
    // What is made here has not been told so: POSTINITIALIZE, without which a script sees less.
    object.call("notification", {0});
    return object;
}

void log_error(const std::string &text) {
    godot.print_error(("Framebridge: " + text).c_str(), "NeuralFilter", "", 0, 0);
}

void log_warning(const std::string &text) {
    godot.print_warning(("Framebridge: " + text).c_str(), "NeuralFilter", "", 0, 0);
}

} // namespace framebridge_godot
