/* What wasm2c wrote for the modules of the figures. */
#include "stock_arc.h"
#include "stock_fifo.h"
#include "stock_limiter.h"
#include "stock_lru.h"
#include "stock_sieve.h"
#include "stock_tree.h"
