#include "storage/digest/sha256.h"

#include "common/check.h"

#include <array>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string_view>

namespace xylem::storage {

class Sha256::Impl {
 public:
  Impl() : context_(EVP_MD_CTX_new()) {
    XYLEM_CHECK(context_ != nullptr);
    XYLEM_CHECK(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }

  void add(Bytes bytes) {
    XYLEM_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }

  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    XYLEM_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += kDigits[digest.at(i) >> 4U];
      text += kDigits[digest.at(i) & 0xFU];
    }
    return text;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

std::array<std::byte, kSha256Bytes> sha256_of(Bytes bytes) {
  static_assert(kSha256Bytes == SHA256_DIGEST_LENGTH);
  std::array<std::byte, kSha256Bytes> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}

Sha256::~Sha256() = default;

void Sha256::add(Bytes bytes) { impl_->add(bytes); }

std::string Sha256::finish() { return impl_->finish(); }

}  // namespace xylem::storage
