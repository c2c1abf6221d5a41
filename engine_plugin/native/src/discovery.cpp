#include "discovery.h"

namespace framebridge {

Discovery Discovery::of_this_user() {
  Discovery discovery;
  const std::string endpoint = environment("FRAMEBRIDGE_ENDPOINT");
  if (!endpoint.empty()) {
    Address named;
    named.endpoint = endpoint;
    named.token = environment("FRAMEBRIDGE_TOKEN");
    discovery.named_ = named;
  } else {
    discovery.folder_ = runtime_folder();
  }
  return discovery;
}

std::optional<Address> Discovery::find() const {
  Address address;
  if (named_) {
    address = *named_;
  } else {
    const std::string published = read_published(folder_, "bridge.json");
    Error ignored;  // a file that is not as it should be: no bridge runs
    if (published.empty() || !read_address(published, address, ignored)) return std::nullopt;
  }
  if (!may_answer(address.endpoint)) return std::nullopt;
  return address;
}

std::string Discovery::place() const { return named_ ? named_->endpoint : folder_; }

}  // namespace framebridge
