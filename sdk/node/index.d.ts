/** A function of a callee.  Called itself it waits; async never blocks the event loop. */
export interface Callable<A extends unknown[] = any[], R = any> {
  (...words: A): R;
  async(...words: A): Promise<R>;
  /** The same with texts that come back as Buffers, whatever their bytes. */
  readonly raw: { (...words: A): any; async(...words: A): Promise<any> };
  /** The canonical text (docs/interface-text.md). */
  readonly signature: string;
}

/** An object that stays in the callee; ends with close(), or when it is collected. */
export class Handle {
  protected constructor();
  close(): void;
  readonly closed: boolean;
}

export interface Interface {
  readonly name: string;
  readonly soname: string;
  readonly version: string;
  readonly text: readonly string[];
}

/** A callee: each function by its name in C and in lower camel case. */
export interface Library {
  readonly promises: any;
  readonly handles: { readonly [name: string]: typeof Handle };
  readonly interface: Interface;
  readonly [name: string]: any;
}

/** The callee of that name among the references of this resource.  expected: canonical
 * texts of what the program was written for; others are refused with the difference. */
export function open<T = Library>(name: string, expected?: readonly string[]): T;
/** The same, or undefined when no reference is called that. */
export function find<T = Library>(name: string): T | undefined;

/** An object of a server that its callers look into, where the interface mirrors bytes of it. */
export interface Mirrored {
  /** What they see, as C has it: called when a function that made or used the object has
   *  answered, and copied.  A Buffer, a typed array, a DataView or an ArrayBuffer of that length. */
  mirror(): ArrayBufferView | ArrayBuffer;
}

export interface ServeOptions {
  /** How many calls may wait for promises at once, 1 to 64; 16. */
  threads?: number;
}

/** Serves the functions of an object until SIGTERM or stop(). */
export function serve(functions: object, options?: ServeOptions): Promise<void>;
/** Says the canonical text of a function, which is compared when it is served. */
export function typed<F extends (...words: any[]) => any>(text: string, f: F): F;
/** A served function that gets texts as Buffers, as they may be no UTF-8. */
export function raw<F extends (...words: any[]) => any>(f: F): F;
/** In a served function, also behind an await: what its caller finds in errno. */
export function setErrno(number: number): void;
/** What the function left in errno that was called last and waited for; 0: nothing. */
export function errno(): number;
export function stop(): void;
/** a + b, by a call into the addon that does nothing else: for measurements. */
export function nop(a: number, b: number): number;

export class RhodesError extends Error {
  /** As model/errors.def has it: "ELOST". */
  readonly code: string;
  readonly errno: number;
  /** Whether the call may have run. */
  readonly ran: boolean;
}
export class RhodesLostError extends RhodesError {}
export class RhodesTimeoutError extends RhodesError {}
export class RhodesRefusedError extends RhodesError {}
export class RhodesInterfaceError extends RhodesError {}
export class RhodesRaisedError extends RhodesError {
  readonly language: string;
  readonly type: string;
  readonly remoteStack: string;
}
