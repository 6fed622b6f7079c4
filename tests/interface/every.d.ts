// every, by `rhodes interface bind --language node`: do not edit.

declare module 'every' {
  import type { Callable, Handle } from 'rhodes';

  export interface EveryPair {
    high: bigint;
    low: bigint;
  }
  export interface EveryPlainAt {
    x: number;
    y: number;
  }
  export interface EveryPlain {
    tag: Uint8Array;
    low: number;
    high: number;
    weight: number;
    either: Uint8Array;
    at: EveryPlainAt;
  }
  export interface EveryOpen2 {
    fields: number;
  }
  export interface EveryObject extends Handle {
    /** For the compiler only. */
    readonly __kind?: 'every_object_t';
  }
  export interface EveryBlind extends Handle {
    /** For the compiler only. */
    readonly __kind?: 'every_blind_t';
  }
  export interface EveryOther extends Handle {
    /** For the compiler only. */
    readonly __kind?: 'every_other';
  }
  export interface EveryOpen extends Handle {
    /** For the compiler only. */
    readonly __kind?: 'every_open';
  }

  /** every_i8, i8|a, i8|b, u8|c, u8|d, i8 */
  const every_i8: Callable<[a: number, b: number, c: number, d: number], number>;
  export { every_i8, every_i8 as everyI8 };
  /** every_i16, i16|a, u16|b, i16 */
  const every_i16: Callable<[a: number, b: number], number>;
  export { every_i16, every_i16 as everyI16 };
  /** every_i32, i32|a, u32|b, i32|c, i32 */
  const every_i32: Callable<[a: number, b: number, c: number], number>;
  export { every_i32, every_i32 as everyI32 };
  /** every_i64, i64|a, u64|b, i64|c, u64|d, i64|e, i64 */
  const every_i64: Callable<[a: bigint, b: bigint, c: bigint, d: bigint, e: bigint], bigint>;
  export { every_i64, every_i64 as everyI64 };
  /** every_f32, f32|a, f64|b, f32 */
  const every_f32: Callable<[a: number, b: number], number>;
  export { every_f32, every_f32 as everyF32 };
  /** every_pair, struct {u64 high@0;u64 low@8}:16|pair, struct every_plain{u8[3] tag@0;i32 low@3.0:5;i32 high@4.0:11;f64 weight@8;union {f32 f@0;i32 i@0}:4 either@16;struct {i16 x@0;i16 y@2}:4 at@20}:24|plain, struct {u64 high@0;u64 low@8}:16 */
  const every_pair: Callable<[pair: EveryPair, plain: EveryPlain], EveryPair>;
  export { every_pair, every_pair as everyPair };
  /** every_new_text, string|text, out own string|made, own string */
  const every_new_text: Callable<[text: string | Uint8Array], { result: string | null; made: string | null }>;
  export { every_new_text, every_new_text as everyNewText };
  /** every_read, bytes(len 2)|data, u64|size, i32 */
  const every_read: Callable<[data: ArrayBufferView | ArrayBuffer], number>;
  export { every_read, every_read as everyRead };
  /** every_read_u8, bytes(len 2)|data, u32|data_len, i32 */
  const every_read_u8: Callable<[data: ArrayBufferView | ArrayBuffer], number>;
  export { every_read_u8, every_read_u8 as everyReadU8 };
  /** every_fill, out bytes(cap 2)|buffer, u64|room, i32 */
  const every_fill: Callable<[room: bigint | number], { result: number; buffer: Uint8Array }>;
  export { every_fill, every_fill as everyFill };
  /** every_fill_used, out bytes(cap 2 used 3)|buffer, u64|room, out u64|used, i32 */
  const every_fill_used: Callable<[room: bigint | number], { result: number; buffer: Uint8Array }>;
  export { every_fill_used, every_fill_used as everyFillUsed };
  /** every_fill_inout, out bytes(cap 2 used 2)|buffer, inout u32|room, i32 */
  const every_fill_inout: Callable<[room: number], { result: number; buffer: Uint8Array; room: number }>;
  export { every_fill_inout, every_fill_inout as everyFillInout };
  /** every_words, bytes:4(len 2)|words, i32|word_count, i32 */
  const every_words: Callable<[words: ArrayBufferView | ArrayBuffer], number>;
  export { every_words, every_words as everyWords };
  /** every_peek, handle every_object_t|object, out u64|len, bytes(used 2) */
  const every_peek: Callable<[object: EveryObject | null], Uint8Array | null>;
  export { every_peek, every_peek as everyPeek };
  /** every_open, path?|path, fd|fd, new handle every_object_t */
  const every_open: Callable<[path: string | Uint8Array | null, fd: number], EveryObject | null>;
  export { every_open, every_open as everyOpen };
  /** every_make, out new handle every_other|made, handle every_object_t|from, i32 */
  const every_make: Callable<[from: EveryObject | null], { result: number; made: EveryOther | null }>;
  export { every_make, every_make as everyMake };
  /** every_close, drop handle every_object_t|object, void */
  const every_close: Callable<[object: EveryObject | null], void>;
  export { every_close, every_close as everyClose };
  /** every_look, handle every_other|other, handle every_other */
  const every_look: Callable<[other: EveryOther | null], EveryOther | null>;
  export { every_look, every_look as everyLook };
  /** every_blind, handle every_blind_t|blind, handle every_blind_t */
  const every_blind: Callable<[blind: EveryBlind | null], EveryBlind | null>;
  export { every_blind, every_blind as everyBlind };
  /** every_open_struct, handle every_open|open, in struct every_open{i32 fields@0}:4?|other, i32 */
  const every_open_struct: Callable<[open: EveryOpen | null, other: EveryOpen2 | null], number>;
  export { every_open_struct, every_open_struct as everyOpenStruct };
  /** every_scalars, in i32|in, out u64?|out, inout f64|both, in u64|any, i32 */
  const every_scalars: Callable<[in_: number, both: number, any: bigint], { result: number; out: bigint; both: number }>;
  export { every_scalars, every_scalars as everyScalars };
  /** every_structs, out struct every_plain{u8[3] tag@0;i32 low@3.0:5;i32 high@4.0:11;f64 weight@8;union {f32 f@0;i32 i@0}:4 either@16;struct {i16 x@0;i16 y@2}:4 at@20}:24|out, in struct every_plain{u8[3] tag@0;i32 low@3.0:5;i32 high@4.0:11;f64 weight@8;union {f32 f@0;i32 i@0}:4 either@16;struct {i16 x@0;i16 y@2}:4 at@20}:24|in, i32 */
  const every_structs: Callable<[in_: EveryPlain], { result: number; out: EveryPlain }>;
  export { every_structs, every_structs as everyStructs };
  /** every_id, out u8[16]|out, in u8[16]|in, void */
  const every_id: Callable<[in_: Uint8Array], { out: Uint8Array }>;
  export { every_id, every_id as everyId };
  /** every_array, in i32[4]|numbers, inout i32|count, i32 */
  const every_array: Callable<[numbers: number[], count: number], { result: number; count: number }>;
  export { every_array, every_array as everyArray };
  /** every_macro, i32|a, i32 */
  const every_macro: Callable<[a: number], number>;
  export { every_macro, every_macro as everyMacro };
  /** every_real_name, i32|a, i32 */
  const every_real_name: Callable<[a: number], number>;
  export { every_real_name, every_real_name as everyRealName };
  /** every_old, i32|a, i32 */
  const every_old: Callable<[a: number], number>;
  export { every_old, every_old as everyOld };
  /** every_event, out struct every_plain{u8[3] tag@0;i32 low@3.0:5;i32 high@4.0:11;f64 weight@8;union {f32 f@0;i32 i@0}:4 either@16;struct {i16 x@0;i16 y@2}:4 at@20}:24|what, i32 */
  const every_event: Callable<[], { result: number; what: EveryPlain } | null>;
  export { every_event, every_event as everyEvent };

  /** What an object that serves it has; names may be in lower camel case. */
  export interface Server {
    every_i8(a: number, b: number, c: number, d: number): number | Promise<number>;
    every_i16(a: number, b: number): number | Promise<number>;
    every_i32(a: number, b: number, c: number): number | Promise<number>;
    every_i64(a: bigint, b: bigint, c: bigint, d: bigint, e: bigint): bigint | Promise<bigint>;
    every_f32(a: number, b: number): number | Promise<number>;
    every_pair(pair: EveryPair, plain: EveryPlain): EveryPair | Promise<EveryPair>;
    every_new_text(text: string): { result: string | Uint8Array | null; made: string | Uint8Array | null } | Promise<{ result: string | Uint8Array | null; made: string | Uint8Array | null }>;
    every_read(data: Uint8Array): number | Promise<number>;
    every_read_u8(data: Uint8Array): number | Promise<number>;
    every_fill(room: bigint): { result: number; buffer: ArrayBufferView | ArrayBuffer } | Promise<{ result: number; buffer: ArrayBufferView | ArrayBuffer }>;
    every_fill_used(room: bigint): { result: number; buffer: ArrayBufferView | ArrayBuffer } | Promise<{ result: number; buffer: ArrayBufferView | ArrayBuffer }>;
    every_fill_inout(room: number): { result: number; buffer: ArrayBufferView | ArrayBuffer; room: number } | Promise<{ result: number; buffer: ArrayBufferView | ArrayBuffer; room: number }>;
    every_words(words: Uint8Array): number | Promise<number>;
    every_peek(object: object | null): ArrayBufferView | ArrayBuffer | null | Promise<ArrayBufferView | ArrayBuffer | null>;
    every_open(path: string | null, fd: number): object | null | Promise<object | null>;
    every_make(from: object | null): { result: number; made: object | null } | Promise<{ result: number; made: object | null }>;
    every_close(object: object | null): void | Promise<void>;
    every_look(other: object | null): object | null | Promise<object | null>;
    every_blind(blind: object | null): object | null | Promise<object | null>;
    every_open_struct(open: object | null, other: EveryOpen2 | null): number | Promise<number>;
    every_scalars(in_: number, both: number, any: bigint): { result: number; out: bigint; both: number } | Promise<{ result: number; out: bigint; both: number }>;
    every_structs(in_: EveryPlain): { result: number; out: EveryPlain } | Promise<{ result: number; out: EveryPlain }>;
    every_id(in_: Uint8Array): { out: Uint8Array } | Promise<{ out: Uint8Array }>;
    every_array(numbers: number[], count: number): { result: number; count: number } | Promise<{ result: number; count: number }>;
    every_macro(a: number): number | Promise<number>;
    every_real_name(a: number): number | Promise<number>;
    every_old(a: number): number | Promise<number>;
    every_event(): Iterable<{ result: number; what: EveryPlain }> | AsyncIterable<{ result: number; what: EveryPlain }>;
  }
}
