// Knobs: Godot's values as the library and the bridge take them.
#pragma once

#include "godot_interface.h"

#include <framebridge.h>

#include <string>
#include <vector>

namespace framebridge_godot {

/// A knob's value for fb_set_parameter; it owns its text.
struct KnobValue {
    fb_value value{};
    std::string text;

    KnobValue() = default;
    KnobValue(const KnobValue &) = delete;
    KnobValue &operator=(const KnobValue &) = delete;
};

/// Returns false for a type that no knob has: a knob is a bool, an int, a float, a String or a Color.
bool read_knob(const Variant &value, KnobValue &knob);

/// A Dictionary of knobs as the JSON object that fb_options.parameters takes. What no knob can be is
/// left out, and its name added to `refused`.
std::string knobs_as_json(const Variant &dictionary, std::vector<std::string> &refused);

/// Text as a JSON string, with its quotation marks.
std::string json_string(const std::string &text);

/// What JSON text says, as Godot's values; nil if it cannot be read.
Variant parse_json(const std::string &text);

} // namespace framebridge_godot
