// The entry point: what Godot calls when it loads the extension, and when it lets go of it.
#include "godot_interface.h"
#include "neural_filter.h"

#include <framebridge.h>

namespace framebridge_godot {

namespace {

/// Called on the library's threads; Godot's log takes messages from any.
void FB_CALL pass_to_log(int32_t level, const char *text, void *) {
    if (level >= FB_ERROR) {
        log_error(text);
    } else {
        log_warning(text);
    }
}

void initialize(void *, GDExtensionInitializationLevel level) {
    if (level == GDEXTENSION_INITIALIZATION_SCENE) {
        fb_set_log(pass_to_log, nullptr, FB_WARNING);
        NeuralFilter::register_class();
    }
    if (level == GDEXTENSION_INITIALIZATION_EDITOR) NeuralFilter::register_help();
}

void deinitialize(void *, GDExtensionInitializationLevel level) {
    if (level == GDEXTENSION_INITIALIZATION_SCENE) {
        NeuralFilter::unregister_class();
        fb_set_log(nullptr, nullptr, FB_ERROR);
        Name::forget_all();
    }
}

} // namespace

} // namespace framebridge_godot

extern "C" FB_EXTENSION_EXPORT GDExtensionBool framebridge_godot_start(
    GDExtensionInterfaceGetProcAddress get, GDExtensionClassLibraryPtr library,
    GDExtensionInitialization *initialization) {
    using namespace framebridge_godot;
    if (const char *lacking = fetch_interface(get, library)) {
        if (godot.print_error != nullptr) {
            log_error(std::string("this Godot lacks ") + lacking + ". Godot 4.4 or later is needed.");
        }
        return 0;
    }
    initialization->initialize = initialize;
    initialization->deinitialize = deinitialize;
    initialization->minimum_initialization_level = GDEXTENSION_INITIALIZATION_SCENE;
    return 1;
}
