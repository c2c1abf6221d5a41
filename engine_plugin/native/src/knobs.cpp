#include "knobs.h"

namespace framebridge {

bool Knobs::turn(const std::string &name, Value value, Error &error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return put_parameter(turned_, name, std::move(value), error);
}

bool Knobs::any() const {
  if (!one_by_one_.empty()) return true;
  const std::lock_guard<std::mutex> lock(mutex_);
  return !turned_.empty();
}

Parameters Knobs::take() {
  if (!one_by_one_.empty()) {
    under_way_ = {std::move(one_by_one_.front())};
    one_by_one_.pop_front();
  } else {
    const std::lock_guard<std::mutex> lock(mutex_);
    under_way_.swap(turned_);
    turned_.clear();
  }
  return under_way_;
}

bool Knobs::refused() {
  const bool alone = under_way_.size() <= 1;
  if (!alone) one_by_one_.insert(one_by_one_.end(), under_way_.begin(), under_way_.end());
  under_way_.clear();
  return alone;
}

void Knobs::again(const Parameters &parameters) {
  const std::lock_guard<std::mutex> lock(mutex_);
  turned_.insert(parameters.begin(), parameters.end());
}

void Knobs::unanswered() {
  const std::lock_guard<std::mutex> lock(mutex_);
  // In the order of age, so that what was turned later stays.
  turned_.insert(under_way_.begin(), under_way_.end());
  turned_.insert(one_by_one_.begin(), one_by_one_.end());
  under_way_.clear();
  one_by_one_.clear();
}

}  // namespace framebridge
