// One client of the native library: one stream of frames to a bridge, and what it says of itself.
#pragma once

#include "godot_interface.h"

#include <framebridge.h>

#include <string>
#include <vector>

namespace framebridge_godot {

/// What a stream is opened with. Equal settings need no new client.
struct ClientSettings {
    std::string model;
    std::string knobs_json;
    std::string start_command;
    std::string label;
    int32_t width = 0, height = 0;
    int32_t rows = FB_TOP_FIRST;
    int32_t transfer = FB_SRGB;
    int32_t alpha = FB_OPAQUE;
    int32_t policy = FB_LATEST;
    int32_t when_gone = FB_PASS_THROUGH;
    double rate = 0;
    int64_t seed = 0;
    bool shared = false;
};

class BridgeClient {
  public:
    BridgeClient() = default;
    BridgeClient(const BridgeClient &) = delete;
    BridgeClient &operator=(const BridgeClient &) = delete;
    ~BridgeClient() { close(); }

    /// Returns false, and why in `error`.
    bool open(const ClientSettings &settings, std::string &error);
    void close();
    bool is_open() const { return client_ != 0; }
    fb_client handle() const { return client_; }

    fb_status submit(const void *rgba8, int32_t width, int32_t height, uint64_t frame_id);
    /// Returns whether there is a newer result, valid until the next poll.
    bool poll(fb_result &result);
    /// Returns false, and why in `error`.
    bool set_parameter(const std::string &name, const fb_value &value, std::string &error);
    /// Another model for the running stream; what became of it comes by `next_answer`.
    void load(const std::string &model);
    void reset(int64_t seed);
    void ask_for_packages();

    struct Answer {
        std::string asked; ///< the type of the command
        fb_status status = FB_NOTHING;
        std::string json;
    };
    /// An answer that has come since, if any.
    bool next_answer(Answer &answer);

    fb_statistics statistics() const;
    /// What is wrong, in words; empty if nothing is.
    std::string error() const;

  private:
    struct Ticket {
        int64_t number;
        std::string asked;
    };

    void command(const std::string &type, const std::string &json);

    fb_client client_ = 0;
    std::vector<Ticket> tickets_;
};

} // namespace framebridge_godot
