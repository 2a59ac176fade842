#include "engine/core/result.h"

namespace understudy::core {

Error makeError(std::string message) {
  while (!message.empty() && (message.back() == '.' || message.back() == '\n')) message.pop_back();
  return {std::move(message)};
}

}  // namespace understudy::core
