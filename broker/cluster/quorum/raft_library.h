// libraft, which was written without C++ in mind.
#pragma once

extern "C" {
#include <raft.h>
}
