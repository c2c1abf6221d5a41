#include "troubles.h"

#include "log.h"

namespace framebridge {

void Troubles::set(Kind kind, const Error &error) {
  const std::string text = error.text();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (texts_[kind] == text) return;
    texts_[kind] = text;
  }
  log(FB_WARNING, text);
}

void Troubles::clear(Kind kind) { set_text(kind, {}); }

void Troubles::set_text(Kind kind, const std::string &text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  texts_[kind] = text;
}

std::string Troubles::text() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string all;
  for (const std::string &text : texts_) {
    if (text.empty()) continue;
    if (!all.empty()) all += '\n';
    all += text;
  }
  return all;
}

}  // namespace framebridge
