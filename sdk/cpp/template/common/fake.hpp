// For tests that run without a host: documents that are texts, counters in memory, and checks. Include it in the one file
// of a test, which includes the policy itself.

#pragma once

#include <algorithm>
#include <cstdio>
#include <map>

#include "witgate.hpp"

namespace fake {

inline std::vector<std::string> texts;
inline int failures;

struct Counter {
  uint32_t value;
  uint64_t gone_at_ms;
};

// Time passes when a test adds to `now_ms`; nothing counts while `counters_down`.
inline std::map<std::string, Counter, std::less<>> counters;
inline uint64_t now_ms;
inline bool counters_down;

// What the bindings have only in a world that imports the counter, and then hide.
namespace absent {
enum class CounterError : uint8_t { kQuota, kUnavailable };
struct Reading {
  uint32_t value, expires_in_ms;
};
}  // namespace absent

inline wg::Document document(std::string json) {
  texts.push_back(std::move(json));
  return wg::Document(wit::ResourceImportBase(static_cast<int32_t>(texts.size() - 1)));
}

inline std::optional<std::string_view> within(std::string_view json, std::string_view token) {
  auto type = wg::json::type(json);
  if (type == wg::json::Type::object) return wg::json::member(json, token);
  auto index = wg::json::integer(token);
  auto items = wg::json::items(type == wg::json::Type::array ? json : "[]");
  return index && *index < items.size() ? std::optional(items[*index].value) : std::nullopt;
}

inline std::optional<std::string_view> find(std::string_view json, std::string_view pointer) {
  std::optional<std::string_view> found = json;
  while (found && !pointer.empty()) {
    size_t end = std::min(pointer.find('/', 1), pointer.size());
    std::string token = wg::json::replaced(wg::json::replaced(pointer.substr(1, end - 1), "~1", "/"), "~0", "~");
    found = within(*found, token);
    pointer.remove_prefix(end);
  }
  return found;
}

// What `configure` says of settings: nothing when they are good.
inline std::string configure(std::string settings) {
  auto configured = wg::configured(document(std::move(settings)));
  return configured ? "" : configured.error().to_string();
}

inline void check(bool holds, const char *what, int line) {
  if (!holds) std::printf("test.cpp:%d: not true: %s\n", line, what);
  failures += !holds;
}

inline int result() {
  if (failures == 0) std::puts("all well");
  else std::printf("%d failed\n", failures);
  return failures != 0;
}

}  // namespace fake

#define CHECK(...) fake::check((__VA_ARGS__), #__VA_ARGS__, __LINE__)

namespace witgate::types::types {

Document::Document(wit::ResourceImportBase &&handle) : wit::ResourceImportBase(std::move(handle)) {}
Document::~Document() {}
uint32_t Document::Size() const { return static_cast<uint32_t>(fake::texts[static_cast<size_t>(get_handle())].size()); }
wit::string Document::Text() const { return wg::text(fake::texts[static_cast<size_t>(get_handle())]); }
std::optional<wit::string> Document::Get(std::string_view pointer) const {
  auto found = fake::find(fake::texts[static_cast<size_t>(get_handle())], pointer);
  return found ? std::optional(wg::text(*found)) : std::nullopt;
}

}  // namespace witgate::types::types

namespace witgate::counter::counter {

using namespace ::fake::absent;

inline Reading reading(const ::fake::Counter &counter) {
  return {counter.value, static_cast<uint32_t>(counter.gone_at_ms - ::fake::now_ms)};
}

std::expected<Reading, CounterError> Add(std::string_view key, uint32_t amount, uint32_t expires_in_ms) {
  if (::fake::counters_down) return std::unexpected(CounterError::kUnavailable);
  ::fake::Counter &counter = ::fake::counters[std::string(key)];
  if (counter.gone_at_ms <= ::fake::now_ms) counter = {0, ::fake::now_ms + expires_in_ms};
  counter.value += std::min(amount, UINT32_MAX - counter.value);
  return reading(counter);
}

std::expected<std::optional<Reading>, CounterError> Read(std::string_view key) {
  if (::fake::counters_down) return std::unexpected(CounterError::kUnavailable);
  auto found = ::fake::counters.find(key);
  if (found == ::fake::counters.end() || found->second.gone_at_ms <= ::fake::now_ms) return std::nullopt;
  return reading(found->second);
}

}  // namespace witgate::counter::counter
