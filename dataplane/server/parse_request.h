#pragma once

// The first phase: reads what the client wants (operation and connector) and who it says that it
// is, and builds the question for the broker. Decides nothing about rights, and asks nobody.

#include "dataplane/server/request_context.h"

#include <variant>

namespace connector::dataplane::server {

// A request that has been understood. Only ParseRequest makes one; it refers to the context.
class ParsedRequest {
 public:
  [[nodiscard]] RequestContext& context() const { return *context_; }
  [[nodiscard]] const addressing::Operation& operation() const { return context_->operation; }
  [[nodiscard]] bool is_ping() const {
    return context_->operation.kind == addressing::OperationKind::kPing;
  }

  [[nodiscard]] bool CarriesBody() const;
  // Can the body not be sent once more, because what was taken from the client is not here any
  // more?
  [[nodiscard]] bool BodyIsGone() const;

  // A mount whose source may not be read is turned into the start of a plain upload, which is how
  // a registry declines a mount (docs/rules.md "Mounts"). False: no mount, or no way back because
  // a body came along.
  [[nodiscard]] bool CanGiveUpMount() const;
  void GiveUpMount();
  // The next smaller page of a list (oci::SmallerPage).
  [[nodiscard]] bool CanAskForSmallerPage() const;
  void AskForSmallerPage();

  // Does this operation cancel an upload, for which registries may want another right?
  [[nodiscard]] bool CancelsUpload() const;
  // The next question to the broker is for that right.
  void RequestRightToCancel(bool docker_hub);

 private:
  explicit ParsedRequest(RequestContext& context) : context_(&context) {}
  friend std::variant<ParsedRequest, Rejection> ParseRequest(RequestContext& context);

  RequestContext* context_;
};

// Of the head in `context.scratch.request`.
[[nodiscard]] std::variant<ParsedRequest, Rejection> ParseRequest(RequestContext& context);

}  // namespace connector::dataplane::server
