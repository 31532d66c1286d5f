// Files that are part of the program: the dashboard and the OpenAPI document, generated at build
// time by cmake/embed_assets.py.
//
// Threads: any; constant.
#pragma once

#include "network/http/asset.h"

#include <span>

namespace xylem::registry {

std::span<const network::Asset> dashboard_assets() noexcept;
std::span<const network::Asset> api_assets() noexcept;  // /openapi.json

}  // namespace xylem::registry
