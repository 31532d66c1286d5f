// Weighted rendezvous hashing: every child ranks all parents by a score of its own, so children
// spread by weight, and one parent that leaves moves only its own children.
//
// Source: Thaler and Ravishankar, 1998; weights as in Schindelhauer and Schomaker, 2005.
#pragma once

#include <string_view>

namespace xylem::registry {

// Greater is better. The same on every machine and in every release: it is a contract, since a
// changed score re-parents the whole fleet. `weight` > 0.
[[nodiscard]] double rendezvous_score(std::string_view child,
                                      std::string_view parent,
                                      double weight);

}  // namespace xylem::registry
