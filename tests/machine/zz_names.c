#include "backend/inspect.h"
const char *const code_tier_names[] = {"interpreter", "baseline", "region"};
const char *const code_edge_names[] = {"next", "taken", "indirect", "system", "leave"};
