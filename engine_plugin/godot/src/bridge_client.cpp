#include "bridge_client.h"

#include "knobs.h"

namespace framebridge_godot {

namespace {

// More than any message of the library; what a bridge says of its packages may be longer.
constexpr size_t TEXT_BYTES = 4096;

std::string last_error(fb_client client) {
    char text[TEXT_BYTES];
    text[0] = '\0';
    fb_last_error(client, text, sizeof text);
    text[sizeof text - 1] = '\0';
    return text;
}

} // namespace

bool BridgeClient::open(const ClientSettings &settings, std::string &error) {
    close();
    fb_options options{};
    options.size = sizeof options;
    options.abi_version = FB_ABI_VERSION;
    options.source.size = sizeof options.source;
    options.source.width = settings.width;
    options.source.height = settings.height;
    options.source.pixel_format = FB_RGBA8;
    options.source.rows = settings.rows;
    options.source.transfer = settings.transfer;
    options.source.alpha = settings.alpha;
    options.model = settings.model.c_str();
    options.client_name = "godot";
    options.label = settings.label.c_str();
    options.parameters = settings.knobs_json.c_str();
    options.policy = settings.policy;
    options.when_gone = settings.when_gone;
    options.rate = settings.policy == FB_FREE ? settings.rate : 0;
    options.seed = static_cast<uint32_t>(settings.seed);
    options.every = settings.policy == FB_LOCKSTEP ? 1 : 0;
    options.start_command = settings.start_command.empty() ? nullptr : settings.start_command.c_str();
    options.shared = settings.shared ? 1 : 0;
    if (fb_create(&options, &client_) == FB_OK) return true;
    client_ = 0;
    error = last_error(0);
    return false;
}

void BridgeClient::close() {
    if (client_ != 0) fb_destroy(client_);
    client_ = 0;
    tickets_.clear();
}

fb_status BridgeClient::submit(const void *rgba8, int32_t width, int32_t height, uint64_t frame_id) {
    fb_frame frame{};
    frame.size = sizeof frame;
    frame.width = width;
    frame.height = height;
    frame.frame_id = frame_id;
    frame.pixels = rgba8;
    return fb_submit(client_, &frame, nullptr);
}

bool BridgeClient::poll(fb_result &result) {
    result = fb_result{};
    result.size = sizeof result;
    return client_ != 0 && fb_poll(client_, &result) == FB_OK;
}

bool BridgeClient::set_parameter(const std::string &name, const fb_value &value, std::string &error) {
    if (client_ == 0 || fb_set_parameter(client_, name.c_str(), &value) == FB_OK) return true;
    error = last_error(0);
    return false;
}

void BridgeClient::load(const std::string &model) {
    command("load", R"({"type": "load", "chain": [)" + json_string(model) + "]}");
}

void BridgeClient::reset(int64_t seed) {
    command("reset", R"({"type": "reset", "seed": )" + std::to_string(seed) + "}");
}

void BridgeClient::ask_for_packages() { command("packages", R"({"type": "packages"})"); }

void BridgeClient::command(const std::string &type, const std::string &json) {
    if (client_ == 0) return;
    const int64_t ticket = fb_command(client_, json.c_str());
    if (ticket > 0) {
        tickets_.push_back({ticket, type});
    } else {
        log_warning(last_error(0));
    }
}

bool BridgeClient::next_answer(Answer &answer) {
    for (size_t k = 0; k < tickets_.size(); k++) {
        size_t needed = 0;
        std::string json(TEXT_BYTES, '\0');
        fb_status status = fb_answer(client_, tickets_[k].number, json.data(), json.size(), &needed);
        if (status == FB_ERROR_LIMIT && needed > json.size()) {
            json.resize(needed);
            status = fb_answer(client_, tickets_[k].number, json.data(), json.size(), &needed);
        }
        if (status == FB_NOTHING) continue;
        json.resize(json.find('\0') == std::string::npos ? json.size() : json.find('\0'));
        answer = {tickets_[k].asked, status, json};
        tickets_.erase(tickets_.begin() + static_cast<std::ptrdiff_t>(k));
        return true;
    }
    return false;
}

fb_statistics BridgeClient::statistics() const {
    fb_statistics statistics{};
    statistics.size = sizeof statistics;
    if (client_ != 0) fb_get_statistics(client_, &statistics);
    return statistics;
}

std::string BridgeClient::error() const { return client_ == 0 ? "" : last_error(client_); }

} // namespace framebridge_godot
