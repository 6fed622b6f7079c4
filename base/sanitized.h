/* sanitized - whether this is built with AddressSanitizer, whose shadow and leak checker need
 * what is otherwise refused. */
#ifndef RH_BASE_SANITIZED_H
#define RH_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define RH_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RH_IS_SANITIZED 1
#endif
#endif

#ifndef RH_IS_SANITIZED
#define RH_IS_SANITIZED 0
#endif

#endif
