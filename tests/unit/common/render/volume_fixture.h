#pragma once

// Volumes for tests: of the built-in class, or of one written in the test.

#include "common/render/volume.h"
#include "common/resource/documents.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace connector::render {

// As a plain data plane of a laptop serves it.
inline VolumeConnector Plain() {
  VolumeConnector connector;
  connector.ref = {"default", "harbor"};
  connector.host = "127.0.0.1:5080";
  return connector;
}

inline VolumeConnector WithTls() {
  VolumeConnector connector = Plain();
  connector.host = "proxy.example.com";
  connector.tls = true;
  return connector;
}

inline VolumeConnector PathForm(VolumeConnector connector) {
  connector.path_form = true;
  return connector;
}

inline VolumeConnector Mirror(VolumeConnector connector, std::string upstream) {
  connector.upstream_host = std::move(upstream);
  return connector;
}

// As a cluster serves it.
inline VolumeConnector Named(const std::string& name, std::string upstream = {}) {
  VolumeConnector connector;
  connector.ref = {"default", name};
  connector.host = "c-" + name + ".default.svc.cluster.local";
  connector.upstream_host = std::move(upstream);
  return connector;
}

inline VolumeRequest Request(std::vector<VolumeConnector> connectors,
                             std::vector<std::string> configurations) {
  VolumeRequest request;
  request.connectors = std::move(connectors);
  request.configurations = std::move(configurations);
  request.token = Secret("eyJ.a.b");
  return request;
}

// `text` is what stands below "configurations:", with its own indentation.
inline std::shared_ptr<const Configurations> ClassWith(const std::string& text) {
  const resource::FileDocuments parsed = resource::ParseDocuments(
      "apiVersion: oci-connector.dev/v1alpha1\nkind: ConnectorClass\nmetadata: {name: own}\n"
      "spec:\n  configurations:\n" +
          text,
      "class.yaml");
  for (const config::Problem& problem : parsed.problems) {
    ADD_FAILURE() << problem.path << ": " << problem.message;
  }
  return std::make_shared<const Configurations>(
      parsed.classes.empty() ? Configurations{} : parsed.classes[0].connector_class.configurations);
}

inline VolumeConnector OfClass(VolumeConnector connector, const std::string& text) {
  connector.class_name = "own";
  connector.configurations = ClassWith(text);
  return connector;
}

// The text of one file; what went wrong otherwise.
inline std::string FileOf(const VolumeRequest& request, const std::string& path) {
  const Result<Volume> volume = RenderVolume(request);
  if (!volume) {
    return "error: " + volume.error().message;
  }
  const auto file = volume->find(path);
  return file == volume->end() ? "no such file" : std::string(file->second.content.Reveal());
}

inline std::string ErrorOf(const VolumeRequest& request) {
  const Result<Volume> volume = RenderVolume(request);
  return volume ? "no error" : volume.error().message;
}

}  // namespace connector::render
