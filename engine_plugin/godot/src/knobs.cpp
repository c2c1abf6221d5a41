#include "knobs.h"

#include <cstdio>

namespace framebridge_godot {

namespace {

std::string json_number(double number) {
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", number);
    // printf follows the locale, JSON does not.
    for (char *c = text; *c != '\0'; c++) {
        if (*c == ',') *c = '.';
    }
    return text;
}

} // namespace

bool read_knob(const Variant &value, KnobValue &knob) {
    fb_value &read = knob.value;
    read.size = sizeof read;
    switch (value.type()) {
    case GDEXTENSION_VARIANT_TYPE_BOOL:
        read.kind = FB_BOOL;
        read.integer = value.as_bool() ? 1 : 0;
        return true;
    case GDEXTENSION_VARIANT_TYPE_INT:
        read.kind = FB_INT;
        read.integer = value.as_int();
        return true;
    case GDEXTENSION_VARIANT_TYPE_FLOAT:
        read.kind = FB_FLOAT;
        read.number[0] = value.as_double();
        return true;
    case GDEXTENSION_VARIANT_TYPE_STRING:
    case GDEXTENSION_VARIANT_TYPE_STRING_NAME:
        read.kind = FB_TEXT;
        knob.text = value.as_string();
        read.text = knob.text.c_str();
        return true;
    case GDEXTENSION_VARIANT_TYPE_COLOR:
        read.kind = FB_COLOUR;
        read.number[0] = value.get("r").as_double();
        read.number[1] = value.get("g").as_double();
        read.number[2] = value.get("b").as_double();
        return true;
    default:
        return false;
    }
}

std::string knobs_as_json(const Variant &dictionary, std::vector<std::string> &refused) {
    const Variant keys = dictionary.call("keys");
    const int64_t count = keys.call("size").as_int();
    std::string json;
    for (int64_t k = 0; k < count; k++) {
        const Variant key = keys.call("get", {k});
        KnobValue knob;
        if (!read_knob(dictionary.call("get", {key}), knob)) {
            refused.push_back(key.as_string());
            continue;
        }
        json += (json.empty() ? "" : ", ") + json_string(key.as_string()) + ": ";
        const fb_value &value = knob.value;
        switch (value.kind) {
        case FB_BOOL: json += value.integer != 0 ? "true" : "false"; break;
        case FB_INT: json += std::to_string(value.integer); break;
        case FB_FLOAT: json += json_number(value.number[0]); break;
        case FB_TEXT: json += json_string(knob.text); break;
        default:
            json += "[" + json_number(value.number[0]) + ", " + json_number(value.number[1]) + ", " +
                    json_number(value.number[2]) + "]";
        }
    }
    return "{" + json + "}";
}

std::string json_string(const std::string &text) {
    std::string json = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            json += '\\';
            json += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
            json += escape;
        } else {
            json += c;
        }
    }
    return json + '"';
}

Variant parse_json(const std::string &text) {
    const Variant json = make_object("JSON");
    if (json.call("parse", {text}).as_int() != 0) return {};
    return json.call("get_data");
}

} // namespace framebridge_godot
