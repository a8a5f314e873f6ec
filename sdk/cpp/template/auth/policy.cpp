// {{name}}: lets in who presents an API key that is in the settings.
//
//   header = "x-api-key"
//   keys = [{ subject = "ada", key = "…", scopes = ["read"] }]

#include "auth.hpp"

namespace {

struct Key {
  std::string subject, key;
  std::vector<std::string> scopes;
};

std::string header;
std::vector<Key> keys;

// All keys are compared, so that the time taken does not tell which one it was like.
const Key *known(std::string_view presented) {
  const Key *found = nullptr;
  for (const Key &key : keys)
    if (wg::same_secret(presented, key.key) && found == nullptr) found = &key;
  return found;
}

}  // namespace

void configure(const wg::Setting &settings) {
  header = settings["header"].string().value_or("x-api-key");
  keys.clear();
  for (const wg::Setting &key : settings["keys"].needed_items()) {
    key.needed_object();
    keys.push_back({key["subject"].needed_string(), key["key"].needed_string(), key["scopes"].strings()});
  }
}

wg::auth::Verdict authenticate(const wg::Call &call, std::span<const wg::auth::Header> headers, const wg::auth::Peer &) {
  const wg::auth::Header *presented = nullptr;
  for (const wg::auth::Header &given : headers) {
    if (wg::view(given.name) != header) continue;
    if (presented != nullptr)
      return wg::auth::deny(wg::refusal(wg::Code::kInvalid, "more than one key was presented"));
    presented = &given;
  }
  if (presented == nullptr) return wg::auth::abstain();

  const Key *key = known(wg::auth::value(*presented));
  if (key == nullptr) {
    return wg::auth::challenge({
        .scheme = wg::text("ApiKey"),
        .error = wg::text("invalid_token"),
        .description = wg::text("the key is not known"),
        .scope = std::nullopt,
    });
  }
  std::vector<wg::Claim> claims;
  claims.push_back({wg::text("tenant"), call.tenant});
  return wg::auth::allow({wg::text(key->subject), wg::text("api-key"), wg::texts(key->scopes), wg::list(std::move(claims))});
}
