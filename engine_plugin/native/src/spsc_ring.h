// A queue from one thread to one other, without locks, of a fixed size.
#pragma once

#include <atomic>
#include <cstddef>

namespace framebridge {

/* Item: something small that is copied. Size: a power of two. */
template <typename Item, size_t Size>
class SpscRing {
  static_assert((Size & (Size - 1)) == 0, "so that the counts may wrap around");

 public:
  /* False: it is full, and nothing was done. */
  bool push(const Item &item) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == Size) return false;
    items_[tail % Size] = item;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /* False: it is empty. */
  bool pop(Item &item) {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (tail_.load(std::memory_order_acquire) == head) return false;
    item = items_[head % Size];
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

 private:
  // On lines of their own, so that the two threads do not take turns at one.
  alignas(64) std::atomic<size_t> head_{0};
  alignas(64) std::atomic<size_t> tail_{0};
  alignas(64) Item items_[Size] = {};
};

}  // namespace framebridge
