// Help for a Witgate plugin in C++, over the generated bindings (gen/plugin_cpp.h).
//
// You write `configure` and the one function of your kind, which the kind's header declares (as validate.hpp). The rest
// is here to be called: documents, settings, verdicts.
//
// The bindings have texts and lists of their own, `wit::string` and `wit::vector`, since the host takes and frees them.
// `wg::view` reads such a text, `wg::text` and `wg::list` make them of what you have.

#pragma once

#include <expected>
#include <iterator>
#include <utility>

#include "witgate/settings.hpp"

// A function of a header that more than one file may include, and that nothing here calls.
#define WG_EXPORTED __attribute__((weak))

namespace wg {

using Call = ::witgate::types::types::Call;
using Identity = ::witgate::types::types::Identity;
using Claim = ::witgate::types::types::Claim;
using Edit = ::witgate::types::types::Edit;
using Finding = ::witgate::types::types::Finding;
using Refusal = ::witgate::types::types::Refusal;
using Code = ::witgate::types::types::RefusalCode;

inline std::string_view view(const wit::string &text) { return text.get_view(); }
inline wit::string text(std::string_view text) { return wit::string::from_view(text); }

template <class T>
wit::vector<T> list(std::vector<T> &&items) {
  auto list = wit::vector<T>::allocate(items.size());
  for (size_t i = 0; i < items.size(); i++) list.initialize(i, std::move(items[i]));
  return list;
}

inline wit::vector<wit::string> texts(const std::vector<std::string> &items) {
  std::vector<wit::string> list;
  for (const std::string &item : items) list.push_back(text(item));
  return wg::list(std::move(list));
}

inline Edit edit(std::string_view pointer, std::string_view json) { return {text(pointer), text(json)}; }
inline Edit removal(std::string_view pointer) { return {text(pointer), std::nullopt}; }
inline Finding finding(std::string_view pointer, std::string_view message) { return {text(pointer), text(message)}; }

// A refusal with nothing but a code and a message; set `note`, `retry_after_ms` and `findings` where there are any.
inline Refusal refusal(Code code, std::string_view message) {
  return {code, text(message), std::nullopt, std::nullopt, wit::vector<Finding>()};
}

// Equal, in a time that tells only whether the lengths agree: for keys and other secrets.
inline bool same_secret(std::string_view a, std::string_view b) {
  unsigned differs = a.size() != b.size();
  for (size_t i = 0; i < b.size() && a.size() == b.size(); i++) differs |= static_cast<unsigned char>(a[i] ^ b[i]);
  return differs == 0;
}

}  // namespace wg

// Yours; called before the first decision.
void configure(const wg::Setting &settings);

namespace wg {

inline std::expected<void, wit::string> configured(const Document &document) {
  std::string error;
  configure(Setting(document, error));
  if (error.empty()) return {};
  return std::unexpected(text(error));
}

}  // namespace wg

#ifdef __wasm__
// Without these, what the library says before it gives up would drag in files and clocks. A plugin just traps.
WG_EXPORTED void *operator new(size_t size) {
  void *room = malloc(size);
  if (room == nullptr) __builtin_trap();
  return room;
}
WG_EXPORTED void operator delete(void *room) noexcept { free(room); }
WG_EXPORTED void operator delete(void *room, size_t) noexcept { free(room); }
_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] WG_EXPORTED void __libcpp_verbose_abort(const char *, ...) { __builtin_trap(); }
_LIBCPP_END_NAMESPACE_STD
#endif
