#include "common/config/json_tree.h"

#include <boost/json.hpp>

#include <utility>

namespace connector::config {
namespace {

Node Scalar(std::string text, bool plain) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.text = std::move(text);
  node.plain = plain;
  return node;
}

Node Sequence(const boost::json::array& array) {
  Node node;
  node.kind = Node::Kind::kSequence;
  node.items.reserve(array.size());
  for (const boost::json::value& item : array) {
    node.items.push_back(NodeOf(item));
  }
  return node;
}

}  // namespace

Node NodeOf(const boost::json::object& object) {
  Node node;
  node.kind = Node::Kind::kMap;
  node.entries.reserve(object.size());
  for (const auto& [key, value] : object) {
    if (!value.is_null()) {
      node.entries.push_back({std::string(key), 0, NodeOf(value)});
    }
  }
  return node;
}

Node NodeOf(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::object:
      return NodeOf(value.get_object());
    case boost::json::kind::array:
      return Sequence(value.get_array());
    case boost::json::kind::string:
      return Scalar(std::string(value.get_string()), false);
    case boost::json::kind::bool_:
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return Scalar(boost::json::serialize(value), true);
    case boost::json::kind::null:
      break;
  }
  return {};
}

}  // namespace connector::config
