// {{name}}: shows upstreams a token that the host holds as a secret; the plugin knows its name only.
//
//   secret = "token"              the secret to show
//   expires-in-s = 300
//   refreshed = "newer-token"     the one to show when the first was rejected
//   subject-header = "x-subject"  also say who is calling
//   scopes = ["read"]             what the caller must have

#include "credential.hpp"

namespace {

std::string secret;
uint32_t expires_in_s;
std::optional<std::string> refreshed, subject_header;
std::vector<std::string> scopes;

bool has(const wg::Identity &identity, std::string_view scope) {
  for (const wit::string &held : identity.scopes.get_const_view())
    if (wg::view(held) == scope) return true;
  return false;
}

}  // namespace

void configure(const wg::Setting &settings) {
  secret = settings["secret"].needed_string();
  expires_in_s = settings["expires-in-s"].integer().value_or(300);
  refreshed = settings["refreshed"].string();
  subject_header = settings["subject-header"].string();
  scopes = settings["scopes"].strings();
}

std::expected<wg::credential::Credential, wg::Refusal> provide(const wg::credential::Upstream &upstream,
                                                               const wg::Identity &identity,
                                                               const wg::credential::Occasion &occasion) {
  for (const std::string &scope : scopes)
    if (!has(identity, scope))
      return std::unexpected(wg::refusal(wg::Code::kForbidden, "the upstream needs the scope " + scope));

  bool rejected = occasion.why == wg::credential::Why::kRejected;
  if (rejected && !refreshed) {
    auto refusal = wg::refusal(wg::Code::kUnavailable, "the upstream rejected the token, and there is no other");
    refusal.note = wg::text("upstream " + upstream.id.to_string() + " at " + upstream.origin.to_string());
    return std::unexpected(std::move(refusal));
  }

  std::vector<wg::credential::Header> headers;
  headers.push_back(wg::credential::header("authorization", "Bearer ${secret:" + (rejected ? *refreshed : secret) + "}"));
  if (subject_header) {
    std::string subject = wg::json::replaced(wg::view(identity.subject), "${", "$${");
    headers.push_back(wg::credential::header(*subject_header, subject));
  }
  bool expiring = occasion.why == wg::credential::Why::kExpiring;
  return wg::credential::Credential{wg::list(std::move(headers)), expiring ? expires_in_s / 2 : expires_in_s};
}
