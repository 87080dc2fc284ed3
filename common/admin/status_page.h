#pragma once

// The status page (status_page.html), compiled in. Self-contained: nothing is loaded from anywhere
// but /status.json of the same server, which the page's security policy enforces.

#include <string>
#include <string_view>

namespace connector::admin {

struct StatusPage {
  std::string html;
  // Content-Security-Policy that allows exactly the page's own style and script, by their digests.
  std::string content_security_policy;
};

// The page with `title` in its places, HTML-escaped.
[[nodiscard]] StatusPage MakeStatusPage(std::string_view title);

// status_page.html as it stands in the source tree.
extern const std::string_view kStatusPageTemplate;

}  // namespace connector::admin
