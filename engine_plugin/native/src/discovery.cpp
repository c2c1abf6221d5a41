#include "discovery.h"

#include <nlohmann/json.hpp>

namespace framebridge {

std::optional<Address> address_in(const std::string &json) {
    const auto fields = nlohmann::json::parse(json, nullptr, false);
    if (!fields.is_object()) return std::nullopt;
    const auto endpoint = fields.find("endpoint");
    const auto token = fields.find("token");
    if (endpoint == fields.end() || !endpoint->is_string()) return std::nullopt;
    if (token == fields.end() || !token->is_string()) return std::nullopt;
    return Address{endpoint->get<std::string>(), token->get<std::string>()};
}

Discovery Discovery::of_this_user() {
    Discovery discovery;
    const std::string endpoint = environment("FRAMEBRIDGE_ENDPOINT");
    if (!endpoint.empty()) {
        discovery.named_ = Address{endpoint, environment("FRAMEBRIDGE_TOKEN")};
    } else {
        discovery.folder_ = runtime_folder();
    }
    return discovery;
}

std::optional<Address> Discovery::find() const {
    const auto address = named_ ? named_ : address_in(read_published(folder_, "bridge.json"));
    if (!address || !may_answer(address->endpoint)) return std::nullopt;
    return address;
}

std::string Discovery::place() const { return named_ ? named_->endpoint : folder_; }

}  // namespace framebridge
