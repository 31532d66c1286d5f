// The OpenAPI document of the broker's HTTP API, /openapi.json: part of the program, generated from
// the file beside this one by cmake/embed_assets.py.
//
// Threads: any; constant.
#pragma once

#include "network/http/asset.h"

#include <span>

namespace xylem::broker {

std::span<const network::Asset> admin_assets() noexcept;

}  // namespace xylem::broker
