#include "network/client/record_walk.h"

#include <utility>

namespace xylem::network {

Result<const RecordView*> RecordWalk::find(Offset from) {
  if (record_ && record_->offset >= from) return &*record_;
  record_.reset();
  while (true) {
    if (!reader_) {
      auto opened = open_next(from);
      if (!opened) return pass(opened);
      if (!*opened) return nullptr;
    }
    while (auto next = reader_->next()) {
      if (!*next) {
        reader_.reset();
        return pass(*next);
      }
      if ((*next)->offset < from) continue;
      record_ = std::move(**next);
      return &*record_;
    }
    at_ += reader_->header().bytes;
    reader_.reset();
  }
}

// False: there are no more batches. After an error it stands where it stood.
Result<bool> RecordWalk::open_next(Offset from) {
  while (at_ < batches_.size()) {
    auto header = read_batch_header(batches_.subspan(at_));
    if (!header) return pass(header);
    const auto batch = batches_.subspan(at_, header->bytes);
    if (header->next_offset() > from && !header->is_control()) {
      batch_end_ = header->next_offset();
      auto reader = BatchReader::open(batch);
      if (!reader) return pass(reader);
      reader_.emplace(std::move(*reader));
      return true;
    }
    at_ += header->bytes;
  }
  return false;
}

}  // namespace xylem::network
