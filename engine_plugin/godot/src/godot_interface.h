// The functions of Godot's C interface that are used here, fetched once by name, and the smallest
// C++ over them: a Variant that owns what it holds.
#pragma once

#include <gdextension_interface.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

namespace framebridge_godot {

/// Godot's functions. Those marked so are not in every version that is supported, and may be null.
struct Interface {
    GDExtensionClassLibraryPtr library = nullptr;

    GDExtensionInterfaceGetVariantFromTypeConstructor variant_from_type = nullptr;
    GDExtensionInterfaceGetVariantToTypeConstructor variant_to_type = nullptr;
    GDExtensionInterfaceVariantNewNil variant_new_nil = nullptr;
    GDExtensionInterfaceVariantNewCopy variant_new_copy = nullptr;
    GDExtensionInterfaceVariantDestroy variant_destroy = nullptr;
    GDExtensionInterfaceVariantCall variant_call = nullptr;
    GDExtensionInterfaceVariantGetType variant_get_type = nullptr;
    GDExtensionInterfaceVariantGetNamed variant_get_named = nullptr;
    GDExtensionInterfaceVariantConstruct variant_construct = nullptr;
    GDExtensionInterfaceVariantGetPtrDestructor destructor_of = nullptr;
    GDExtensionInterfaceVariantEvaluate variant_evaluate = nullptr;
    GDExtensionInterfaceVariantStringify variant_stringify = nullptr;
    GDExtensionInterfaceStringNewWithUtf8CharsAndLen string_new = nullptr;
    GDExtensionInterfaceStringToUtf8Chars string_to_utf8 = nullptr;
    GDExtensionInterfaceStringNameNewWithUtf8Chars name_new = nullptr;
    GDExtensionInterfaceGlobalGetSingleton singleton = nullptr;
    GDExtensionInterfaceClassdbConstructObject2 construct_object = nullptr;
    GDExtensionInterfaceObjectSetInstance object_set_instance = nullptr;
    GDExtensionInterfaceObjectGetInstanceFromId object_from_id = nullptr;
    GDExtensionInterfaceObjectGetInstanceId object_id = nullptr;
    GDExtensionInterfaceRefSetObject ref_set_object = nullptr;
    GDExtensionInterfaceImagePtr image_pointer = nullptr;    // 4.3
    GDExtensionInterfaceImagePtrw image_pointer_w = nullptr; // 4.3
    GDExtensionInterfacePackedByteArrayOperatorIndexConst bytes_at = nullptr;
    GDExtensionInterfacePrintError print_error = nullptr;
    GDExtensionInterfacePrintWarning print_warning = nullptr;
    GDExtensionInterfaceClassdbRegisterExtensionClass4 register_class = nullptr;
    GDExtensionInterfaceClassdbUnregisterExtensionClass unregister_class = nullptr;
    GDExtensionInterfaceClassdbRegisterExtensionClassMethod register_method = nullptr;
    GDExtensionInterfaceClassdbRegisterExtensionClassProperty register_property = nullptr;
    GDExtensionInterfaceClassdbRegisterExtensionClassPropertyGroup register_group = nullptr;
    GDExtensionInterfaceClassdbRegisterExtensionClassSignal register_signal = nullptr;
    GDExtensionInterfaceClassdbRegisterExtensionClassIntegerConstant register_constant = nullptr;
    GDExtensionsInterfaceEditorHelpLoadXmlFromUtf8Chars load_help = nullptr; // 4.3
};

extern Interface godot;

/// Fetches all functions. Returns the name of one that this Godot lacks, or null.
const char *fetch_interface(GDExtensionInterfaceGetProcAddress get, GDExtensionClassLibraryPtr library);

/// A StringName, made once and kept.
class Name {
  public:
    explicit Name(const char *utf8);
    Name(const Name &) = delete;
    Name &operator=(const Name &) = delete;
    ~Name();

    GDExtensionStringNamePtr pointer() const { return const_cast<void **>(&opaque_); }

    /// The same name from a table that lives until the extension is unloaded.
    static const Name &of(const char *utf8);
    /// Forgets the table; no name may be used afterwards.
    static void forget_all();

  private:
    void *opaque_ = nullptr;
};

/// Any value of Godot.
class Variant {
  public:
    Variant();
    Variant(bool value);
    Variant(int value) : Variant(static_cast<int64_t>(value)) {}
    Variant(int64_t value);
    Variant(double value);
    Variant(const char *utf8) : Variant(std::string(utf8)) {}
    Variant(const std::string &utf8);
    Variant(GDExtensionObjectPtr) = delete;
    Variant(const Variant &other);
    Variant(Variant &&other) noexcept;
    Variant &operator=(Variant other) noexcept;
    ~Variant();

    static Variant object(GDExtensionObjectPtr object);
    /// A copy of what Godot has handed over.
    static Variant copy(GDExtensionConstVariantPtr variant);
    /// One of Godot's own types, from its arguments: `construct(GDEXTENSION_VARIANT_TYPE_VECTOR2, {1.0, 2.0})`.
    static Variant construct(GDExtensionVariantType type, std::initializer_list<Variant> arguments = {});
    /// From a value as Godot lays it out in memory.
    static Variant from_type(GDExtensionVariantType type, const void *value);

    GDExtensionVariantType type() const;
    bool is_nil() const { return type() == GDEXTENSION_VARIANT_TYPE_NIL; }
    bool as_bool() const;
    int64_t as_int() const;
    double as_double() const;
    std::string as_string() const;
    GDExtensionObjectPtr as_object() const;
    /// Writes the value as Godot lays it out in memory; for types without a destructor alone.
    void to_type(GDExtensionVariantType type, void *value) const;

    /// Calls a method of the value, an object's too. Nil, and a message in Godot's log, if it cannot.
    Variant call(const char *method, std::initializer_list<Variant> arguments = {}) const;
    Variant get(const char *member) const;
    bool operator==(const Variant &other) const;
    bool operator!=(const Variant &other) const { return !(*this == other); }

    GDExtensionVariantPtr pointer() const { return const_cast<unsigned char *>(opaque_); }

  private:
    // 24 bytes, or 40 where Godot was built with double precision.
    alignas(8) unsigned char opaque_[40];
};

Variant singleton(const char *name);
/// A new object of one of Godot's classes, such as an ImageTexture; a RefCounted is owned by it.
Variant make_object(const char *class_name);

void log_error(const std::string &text);
void log_warning(const std::string &text);

} // namespace framebridge_godot
