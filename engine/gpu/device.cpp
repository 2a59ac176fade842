#include "engine/gpu/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

namespace understudy::gpu {

namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

std::string resultName(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "out of memory";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "out of graphics memory";
    case VK_ERROR_DEVICE_LOST:
      return "device lost";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "initialisation failed";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
      return "extension not present";
    case VK_ERROR_FEATURE_NOT_PRESENT:
      return "feature not present";
    case VK_ERROR_SURFACE_LOST_KHR:
      return "surface lost";
    case VK_ERROR_OUT_OF_POOL_MEMORY:
      return "out of pool memory";
    default:
      return fmt::format("VkResult {}", static_cast<int>(result));
  }
}

/// The features that every device must have, chained for query and for creation.
struct FeatureChain {
  VkPhysicalDeviceFeatures2 core{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  VkPhysicalDeviceVulkan12Features v12{.sType =
                                           VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceVulkan13Features v13{.sType =
                                           VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};

  FeatureChain() {
    core.pNext = &v12;
    v12.pNext = &v13;
  }
  FeatureChain(const FeatureChain&) = delete;
};

/// Calls visit(name, flag) for each required feature.
template <class Visit>
void forEachRequired(FeatureChain& chain, Visit visit) {
  visit("timelineSemaphore", chain.v12.timelineSemaphore);
  visit("bufferDeviceAddress", chain.v12.bufferDeviceAddress);
  visit("hostQueryReset", chain.v12.hostQueryReset);
  visit("scalarBlockLayout", chain.v12.scalarBlockLayout);
  visit("dynamicRendering", chain.v13.dynamicRendering);
  visit("synchronization2", chain.v13.synchronization2);
  visit("maintenance4", chain.v13.maintenance4);
}

std::vector<VkExtensionProperties> deviceExtensions(VkPhysicalDevice device) {
  std::uint32_t count = 0;
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, extensions.data());
  return extensions;
}

bool hasExtension(const std::vector<VkExtensionProperties>& extensions, const char* name) {
  return std::any_of(extensions.begin(), extensions.end(), [&](const VkExtensionProperties& e) {
    return std::strcmp(e.extensionName, name) == 0;
  });
}

int rank(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 4;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 3;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    default:
      return 1;
  }
}

/// The family that does everything we need, or nothing.
std::optional<std::uint32_t> findFamily(VkInstance instance, VkPhysicalDevice device,
                                        const DeviceSettings& settings) {
  std::uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  for (std::uint32_t i = 0; i < count; ++i) {
    constexpr VkQueueFlags kNeeded = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
    if ((families[i].queueFlags & kNeeded) != kNeeded) continue;
    if (settings.can_present && !settings.can_present(instance, device, i)) continue;
    return i;
  }
  return std::nullopt;
}

/// Why the device cannot be used, or an empty text.
std::string refusal(VkInstance instance, VkPhysicalDevice device,
                    const VkPhysicalDeviceProperties& properties, const DeviceSettings& settings) {
  if (!settings.name.empty() &&
      std::string_view(properties.deviceName).find(settings.name) == std::string_view::npos) {
    return fmt::format("its name does not contain \"{}\"", settings.name);
  }
  if (!settings.allow_software && properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU) {
    return "software devices are not allowed";
  }
  if (properties.apiVersion < VK_API_VERSION_1_3) {
    return fmt::format("it has Vulkan {}.{}, 1.3 is needed",
                       VK_API_VERSION_MAJOR(properties.apiVersion),
                       VK_API_VERSION_MINOR(properties.apiVersion));
  }
  FeatureChain chain;
  vkGetPhysicalDeviceFeatures2(device, &chain.core);
  std::string missing;
  forEachRequired(chain, [&](const char* name, VkBool32 present) {
    if (present == VK_FALSE) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
  });
  if (!missing.empty()) return "it lacks " + missing;
  if (settings.can_present &&
      !hasExtension(deviceExtensions(device), VK_KHR_SWAPCHAIN_EXTENSION_NAME)) {
    return "it cannot present to a window";
  }
  if (!findFamily(instance, device, settings)) {
    return settings.can_present ? "no queue does graphics, compute and presentation"
                                : "no queue does graphics and compute";
  }
  return {};
}

}  // namespace

struct Device::Messages {
  mutable std::mutex mutex;
  std::vector<std::string> texts;

  static VKAPI_ATTR VkBool32 VKAPI_CALL receive(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                                VkDebugUtilsMessageTypeFlagsEXT,
                                                const VkDebugUtilsMessengerCallbackDataEXT* data,
                                                void* user) {
    auto* self = static_cast<Messages*>(user);
    const std::lock_guard lock(self->mutex);
    self->texts.emplace_back(data->pMessage);
    return VK_FALSE;
  }
};

Device::Device() : messages_(std::make_unique<Messages>()) {}

core::Result<std::unique_ptr<Device>> Device::create(const DeviceSettings& settings) {
  std::unique_ptr<Device> device(new Device);
  if (auto made = device->createInstance(settings); !made) return made.error();
  if (auto chosen = device->choosePhysical(settings); !chosen) return chosen.error();
  if (auto made = device->createLogical(settings); !made) return made.error();
  return device;
}

core::Result<void> Device::createInstance(const DeviceSettings& settings) {
  std::uint32_t version = VK_API_VERSION_1_0;
  if (vkEnumerateInstanceVersion(&version) != VK_SUCCESS || version < VK_API_VERSION_1_3) {
    return core::makeError("the Vulkan loader is older than 1.3; install libvulkan1 1.3 or newer");
  }
  std::vector<const char*> extensions = settings.instance_extensions;
  std::vector<const char*> layers;
  const VkDebugUtilsMessengerCreateInfoEXT messenger{
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
      .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                         VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
      .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT |
                     VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
      .pfnUserCallback = Messages::receive,
      .pUserData = messages_.get(),
  };
  constexpr VkValidationFeatureEnableEXT kEnabled[] = {
      VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  const VkValidationFeaturesEXT validation{
      .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
      .pNext = &messenger,
      .enabledValidationFeatureCount = 1,
      .pEnabledValidationFeatures = kEnabled,
  };
  if (settings.validation) {
    layers.push_back(kValidationLayer);
    extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
  }
  const VkApplicationInfo application{
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = "Understudy",
      .pEngineName = "Understudy",
      .apiVersion = VK_API_VERSION_1_3,
  };
  const VkInstanceCreateInfo info{
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pNext = settings.validation ? &validation : nullptr,
      .pApplicationInfo = &application,
      .enabledLayerCount = static_cast<std::uint32_t>(layers.size()),
      .ppEnabledLayerNames = layers.data(),
      .enabledExtensionCount = static_cast<std::uint32_t>(extensions.size()),
      .ppEnabledExtensionNames = extensions.data(),
  };
  switch (const VkResult result = vkCreateInstance(&info, nullptr, &instance); result) {
    case VK_SUCCESS:
      break;
    case VK_ERROR_LAYER_NOT_PRESENT:
      return core::makeError(
          "Vulkan's validation layers were asked for and are not installed; install the package "
          "vulkan-validationlayers");
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return core::makeError(
          "no Vulkan driver is installed; install mesa-vulkan-drivers (software and open drivers) "
          "or the graphics card's own driver");
    default:
      return core::makeError(fmt::format("Vulkan could not start: {}", resultName(result)));
  }
  if (settings.validation) {
    const auto create = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
        vkGetInstanceProcAddr(instance, "vkCreateDebugUtilsMessengerEXT"));
    if (create == nullptr || create(instance, &messenger, nullptr, &messenger_) != VK_SUCCESS) {
      return core::makeError("Vulkan's validation messages could not be received");
    }
  }
  return {};
}

core::Result<void> Device::choosePhysical(const DeviceSettings& settings) {
  std::uint32_t count = 0;
  vkEnumeratePhysicalDevices(instance, &count, nullptr);
  std::vector<VkPhysicalDevice> devices(count);
  vkEnumeratePhysicalDevices(instance, &count, devices.data());
  std::string reasons;
  int best = 0;
  for (VkPhysicalDevice candidate : devices) {
    VkPhysicalDeviceProperties found{};
    vkGetPhysicalDeviceProperties(candidate, &found);
    const std::string why = refusal(instance, candidate, found, settings);
    if (!why.empty()) {
      reasons += fmt::format("; {}: {}", found.deviceName, why);
      continue;
    }
    if (rank(found.deviceType) <= best) continue;
    best = rank(found.deviceType);
    physical = candidate;
    properties = found;
  }
  if (physical != VK_NULL_HANDLE) {
    queue_family = *findFamily(instance, physical, settings);
    return {};
  }
  if (devices.empty()) {
    return core::makeError(
        "no Vulkan device was found; install mesa-vulkan-drivers for the software device");
  }
  return core::makeError("no Vulkan device can be used" + reasons);
}

core::Result<void> Device::createLogical(const DeviceSettings& settings) {
  const auto available = deviceExtensions(physical);
  std::vector<const char*> extensions;
  if (settings.can_present) {
    extensions.push_back(VK_KHR_SWAPCHAIN_EXTENSION_NAME);
    features.swapchain = true;
  }
  const bool calibrated = hasExtension(available, VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME);
  if (calibrated) extensions.push_back(VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME);
  const bool host_memory = hasExtension(available, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
  if (host_memory) extensions.push_back(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);

  FeatureChain offered;
  vkGetPhysicalDeviceFeatures2(physical, &offered.core);
  FeatureChain chain;
  forEachRequired(chain, [](const char*, VkBool32& flag) { flag = VK_TRUE; });
  chain.core.features.samplerAnisotropy = offered.core.features.samplerAnisotropy;
  const float priority = 1.0f;
  const VkDeviceQueueCreateInfo queue_info{
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = queue_family,
      .queueCount = 1,
      .pQueuePriorities = &priority,
  };
  const VkDeviceCreateInfo info{
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &chain.core,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue_info,
      .enabledExtensionCount = static_cast<std::uint32_t>(extensions.size()),
      .ppEnabledExtensionNames = extensions.data(),
  };
  if (const VkResult result = vkCreateDevice(physical, &info, nullptr, &handle);
      result != VK_SUCCESS) {
    return core::makeError(fmt::format("{}: the device could not be opened: {}",
                                       properties.deviceName, resultName(result)));
  }
  vkGetDeviceQueue(handle, queue_family, 0, &queue);
  memory.init(physical, handle);

  name = properties.deviceName;
  VkPhysicalDeviceDriverProperties driver_properties{
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
  VkPhysicalDeviceProperties2 query{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                    .pNext = &driver_properties};
  vkGetPhysicalDeviceProperties2(physical, &query);
  driver = fmt::format("{} {}", driver_properties.driverName, driver_properties.driverInfo);
  features.software = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  features.timestamps = properties.limits.timestampComputeAndGraphics == VK_TRUE;
  features.anisotropy = offered.core.features.samplerAnisotropy == VK_TRUE;

  if (calibrated) {
    const auto domains = reinterpret_cast<PFN_vkGetPhysicalDeviceCalibrateableTimeDomainsEXT>(
        vkGetInstanceProcAddr(instance, "vkGetPhysicalDeviceCalibrateableTimeDomainsEXT"));
    get_calibrated_timestamps_ = reinterpret_cast<PFN_vkGetCalibratedTimestampsEXT>(
        vkGetDeviceProcAddr(handle, "vkGetCalibratedTimestampsEXT"));
    std::uint32_t count = 0;
    std::vector<VkTimeDomainEXT> found;
    if (domains != nullptr && domains(physical, &count, nullptr) == VK_SUCCESS) {
      found.resize(count);
      domains(physical, &count, found.data());
    }
    const auto has = [&](VkTimeDomainEXT domain) {
      return std::find(found.begin(), found.end(), domain) != found.end();
    };
    features.calibrated_timestamps = features.timestamps && get_calibrated_timestamps_ != nullptr &&
                                     has(VK_TIME_DOMAIN_DEVICE_EXT) &&
                                     has(VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT);
  }
  if (host_memory) {
    get_host_pointer_properties_ = reinterpret_cast<PFN_vkGetMemoryHostPointerPropertiesEXT>(
        vkGetDeviceProcAddr(handle, "vkGetMemoryHostPointerPropertiesEXT"));
    VkPhysicalDeviceExternalMemoryHostPropertiesEXT limits{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
    VkPhysicalDeviceProperties2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                    .pNext = &limits};
    vkGetPhysicalDeviceProperties2(physical, &all);
    if (get_host_pointer_properties_ != nullptr)
      features.host_memory_alignment = limits.minImportedHostPointerAlignment;
  }
  if (settings.validation) {
    set_object_name_ = reinterpret_cast<PFN_vkSetDebugUtilsObjectNameEXT>(
        vkGetDeviceProcAddr(handle, "vkSetDebugUtilsObjectNameEXT"));
  }
  const VkCommandPoolCreateInfo pool{
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
      .queueFamilyIndex = queue_family,
  };
  if (!check(vkCreateCommandPool(handle, &pool, nullptr, &once_pool_))) {
    return core::makeError("the device could not make a command pool");
  }
  return {};
}

Device::~Device() {
  if (handle != VK_NULL_HANDLE) {
    vkDeviceWaitIdle(handle);
    memory.destroy();
    vkDestroyCommandPool(handle, once_pool_, nullptr);
    vkDestroyDevice(handle, nullptr);
  }
  if (messenger_ != VK_NULL_HANDLE) {
    const auto destroy = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
        vkGetInstanceProcAddr(instance, "vkDestroyDebugUtilsMessengerEXT"));
    if (destroy != nullptr) destroy(instance, messenger_, nullptr);
  }
  if (instance != VK_NULL_HANDLE) vkDestroyInstance(instance, nullptr);
}

bool Device::check(VkResult result, std::source_location where) {
  if (result >= VK_SUCCESS) return true;
  if (result == VK_ERROR_DEVICE_LOST) lost_.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(failure_mutex_);
  if (first_failure_.empty()) {
    const std::string_view path = where.file_name();
    const std::size_t slash = path.rfind('/');
    first_failure_ =
        fmt::format("{}:{}: {}", slash == std::string_view::npos ? path : path.substr(slash + 1),
                    where.line(), resultName(result));
  }
  return false;
}

std::string Device::firstFailure() const {
  const std::lock_guard lock(failure_mutex_);
  return first_failure_;
}

std::size_t Device::messageCount() const {
  const std::lock_guard lock(messages_->mutex);
  return messages_->texts.size();
}

std::vector<std::string> Device::messages() const {
  const std::lock_guard lock(messages_->mutex);
  return messages_->texts;
}

core::Time Device::hostTime(std::uint64_t gpu_timestamp) const {
  const VkCalibratedTimestampInfoEXT infos[] = {
      {VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_EXT, nullptr, VK_TIME_DOMAIN_DEVICE_EXT},
      {VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_EXT, nullptr,
       VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT}};
  std::uint64_t now[2] = {};
  std::uint64_t deviation = 0;
  if (get_calibrated_timestamps_ == nullptr ||
      get_calibrated_timestamps_(handle, 2, infos, now, &deviation) != VK_SUCCESS) {
    return core::Clock::now();
  }
  // steady_clock is CLOCK_MONOTONIC here. The age is small, so its product keeps the nanosecond.
  const double age_ns = static_cast<double>(static_cast<std::int64_t>(now[0] - gpu_timestamp)) *
                        static_cast<double>(properties.limits.timestampPeriod);
  return core::Time(
      core::Duration(static_cast<std::int64_t>(now[1]) - static_cast<std::int64_t>(age_ns)));
}

std::uint32_t Device::hostMemoryTypes(const void* pointer) const {
  if (features.host_memory_alignment == 0) return 0;
  VkMemoryHostPointerPropertiesEXT types{.sType =
                                             VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
  const VkResult asked = get_host_pointer_properties_(
      handle, VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, pointer, &types);
  return asked == VK_SUCCESS ? types.memoryTypeBits : 0;
}

core::Result<void> Device::runOnce(const std::function<void(VkCommandBuffer)>& record) {
  const VkCommandBufferAllocateInfo allocate{
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = once_pool_,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1,
  };
  VkCommandBuffer commands = VK_NULL_HANDLE;
  if (!check(vkAllocateCommandBuffers(handle, &allocate, &commands))) {
    return core::makeError("the device has no more command buffers");
  }
  const VkCommandBufferBeginInfo begin{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                       .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
  bool fine = check(vkBeginCommandBuffer(commands, &begin));
  if (fine) record(commands);
  fine = fine && check(vkEndCommandBuffer(commands));
  const VkCommandBufferSubmitInfo submitted{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
                                            .commandBuffer = commands};
  const VkSubmitInfo2 submit{.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
                             .commandBufferInfoCount = 1,
                             .pCommandBufferInfos = &submitted};
  fine = fine && check(vkQueueSubmit2(queue, 1, &submit, VK_NULL_HANDLE)) && waitIdle();
  vkFreeCommandBuffers(handle, once_pool_, 1, &commands);
  if (fine) return {};
  return core::makeError(fmt::format("the graphics device failed ({})", firstFailure()));
}

bool Device::waitIdle() { return check(vkQueueWaitIdle(queue)); }

void Device::setName(VkObjectType type, std::uint64_t object, const char* text) const {
  if (set_object_name_ == nullptr) return;
  const VkDebugUtilsObjectNameInfoEXT info{
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
      .objectType = type,
      .objectHandle = object,
      .pObjectName = text,
  };
  set_object_name_(handle, &info);
}

}  // namespace understudy::gpu
