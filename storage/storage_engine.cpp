#include "storage/storage_engine.h"

#include "storage/memory_engine.h"
#include "storage/mmap_engine.h"

namespace xylem::storage {

Result<std::unique_ptr<StorageEngine>> open_storage(std::string_view type,
                                                    const std::string& data_dir,
                                                    const EngineContext& context) {
  if (type == "memory") return std::make_unique<MemoryEngine>(context);
  if (type == "mmap") return MmapEngine::open(data_dir, context);
  return fail(Errc::kInvalidRequest,
              "storage type \"" + std::string(type) + "\" is neither mmap nor memory");
}

}  // namespace xylem::storage
