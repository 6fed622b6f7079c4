// limiter - the filter of ../limiter.c in AssemblyScript: so many calls a second, and a
// few at once.
export { rh_abi, rh_buffer } from "./include/rhodes/filter";
import { buffer, param_number, ALLOW, DENY } from "./include/rhodes/filter";

const SECOND: u64 = 1000000000;

// Tokens are counted in billionths, so that no part of one is lost.
let rate: u64 = 0;
let full: u64 = 0;
let tokens: u64 = 0;
let last_ns: u64 = 0;
let is_begun = false;
let error: u32 = 0;

export function rh_init(): i32 {
  rate = param_number("rate", 1000);
  const burst = param_number("burst", max<u64>(rate / 10, 1));
  const code = param_number("error", 11);
  if (rate == 0 || rate > SECOND || burst == 0 || burst > SECOND || code > 4095) return 1;
  full = burst * SECOND;
  error = <u32>code;
  return 0;
}

export function rh_filter_before(): i32 {
  const now_ns = buffer.get_now_ns();
  const passed = now_ns - last_ns;
  tokens = !is_begun || passed >= full / rate ? full : min(full, tokens + passed * rate);
  is_begun = true;
  last_ns = now_ns;
  if (tokens >= SECOND) {
    tokens -= SECOND;
    return ALLOW;
  }
  buffer.set_error(error);
  return DENY;
}
