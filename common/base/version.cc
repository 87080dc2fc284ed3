#include "common/base/version.h"

namespace connector {

const char* const kVersion = CONNECTOR_VERSION;

}  // namespace connector
