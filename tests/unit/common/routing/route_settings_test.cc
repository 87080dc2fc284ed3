#include "common/routing/route_settings.h"

#include "proto/connector/config/v1/route_settings.pb.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace connector::routing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;
namespace v1 = config::v1;

// Everything that a Connector can write.
struct Messages {
  v1::ConnectorRedirects redirects;
  v1::ConnectorLimits limits;

  bool operator==(const Messages& other) const {
    return MessageDifferencer::Equals(redirects, other.redirects) &&
           MessageDifferencer::Equals(limits, other.limits);
  }
};

Messages Written(const RouteSettings& settings) {
  Messages out;
  ToProto(settings, out.redirects, out.limits);
  return out;
}

// A value that is accepted and is not the default.
void SetField(Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* type = field.enum_type();
      reflection.SetEnumValue(&message, &field, type->value(type->value_count() - 1)->number());
      break;
    }
    case FieldDescriptor::CPPTYPE_STRING:
      field.is_repeated() ? reflection.AddString(&message, &field, "h.example")
                          : reflection.SetString(&message, &field, "h.example");
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      reflection.SetUInt32(&message, &field, 7);
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection.SetBool(&message, &field, true);
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      Message& inner = *reflection.MutableMessage(&message, &field);
      inner.GetReflection()->SetInt64(&inner, inner.GetDescriptor()->FindFieldByName("seconds"), 9);
      break;
    }
    default:
      FAIL() << "give a value for the type of " << field.full_name();
  }
}

// For each field of both messages, what writes it alone.
std::vector<std::pair<std::string, Messages>> OneFieldEach() {
  std::vector<std::pair<std::string, Messages>> out;
  const auto add = [&out](auto member) {
    const auto* type = (Messages().*member).GetDescriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      Messages one;
      SetField(one.*member, *type->field(i));
      out.emplace_back(type->field(i)->full_name(), one);
    }
  };
  add(&Messages::redirects);
  add(&Messages::limits);
  return out;
}

WrittenSettings Read(const Messages& messages) {
  return ReadSettings(
      messages.redirects, messages.limits, [](const std::string& path, const char* message) {
        ADD_FAILURE() << path << ": " << message;
      });
}

TEST(RouteSettings, CarryEveryFieldOfTheResourceToTheRoute) {
  const Messages defaults = Written({});
  for (const auto& [name, one] : OneFieldEach()) {
    Messages expected = defaults;
    // What is written replaces the default.
    expected.redirects.MergeFrom(one.redirects);
    expected.limits.MergeFrom(one.limits);

    EXPECT_NE(expected, defaults) << name;
    EXPECT_EQ(Written(Resolve(Read(one), {})), expected) << name;
    EXPECT_EQ(Written(FromProto(expected.redirects, expected.limits)), expected) << name;
  }
}

TEST(RouteSettings, TakeFromTheClassWhatTheConnectorLeavesOut) {
  for (const auto& [name, one] : OneFieldEach()) {
    EXPECT_EQ(Resolve({}, Read(one)), Resolve(Read(one), {})) << name;
  }
}

TEST(RouteSettings, LetTheConnectorWinOverItsClass) {
  const RouteSettings defaults;
  const Messages written = Written(defaults);
  for (const auto& [name, one] : OneFieldEach()) {
    if (!one.redirects.hosts().empty()) {
      continue;  // No hosts cannot be written.
    }
    EXPECT_EQ(Resolve(Read(written), Read(one)), defaults) << name;
  }
  WrittenSettings own;
  own.hosts = {"own.example"};
  WrittenSettings of_class;
  of_class.hosts = {"class.example"};
  EXPECT_THAT(Resolve(own, of_class).redirects.hosts, ::testing::ElementsAre("own.example"));
}

TEST(RouteSettings, HaveACanonicalTextOfEveryField) {
  for (const auto& [name, one] : OneFieldEach()) {
    EXPECT_NE(CanonicalText(Resolve(Read(one), {})), CanonicalText({})) << name;
  }
}

TEST(RouteSettings, OfABrokerThatBreaksARuleAreTheDefaults) {
  v1::ConnectorRedirects redirects;
  redirects.add_hosts("https://h.example/");
  v1::ConnectorLimits limits;
  limits.set_max_concurrent_requests(0);
  limits.mutable_connect_timeout()->set_seconds(-1);
  limits.mutable_idle_timeout();

  EXPECT_EQ(FromProto(redirects, limits), RouteSettings());
}

}  // namespace
}  // namespace connector::routing
