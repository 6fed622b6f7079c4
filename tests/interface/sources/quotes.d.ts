#!/usr/bin/env node
/* Every kind of declaration that the reader must judge: export function notHere(a: number): void; */
import { Thing } from "./elsewhere";

export type i32 = number;
export type u64 = bigint;
type Count = u64;
const text = "export function norHere(): void;";

export interface Point {
	readonly x: number;
	y: i32,
	on: boolean
}
export type Line = { a: Point; b: Point; count: Count };
export enum Kind { A, B = -7, C }
declare const enum Word { A = "a" }
export declare class Session { ask(a: number): string; }
interface Ring { next: Ring }
interface More extends Point { z: number }
interface Optional { x?: number }

export declare function price(amount: bigint, rate: number, name: string): number;
export function exact(a: i32, b: u64, on: boolean, kind: Kind): void;
export function digest(data: Uint8Array, seed: Count): Buffer;
export function line(p: Point, l: Line): Readonly<Line>;
export async function openSession(note?: string, other: string | null): Promise<Session>;
export declare function askSession(s: Session | undefined, q: ArrayBuffer): string | null;
export function closeSession(s: Session): void;
export function several(a: number): [number, string, point: Point];
export function body(a: number = 1, b: string): number { if (a) { return 1 } return { a: 2 }.a }
export default function named(): void
export function last(): bigint
export function either(a: number | string): void;
export function list(a: number[]): void;
export function list2(a: Array<number>): void;
export function map(a: Map<string, number>): void;
export function call(f: (a: number) => void): void;
export function object(o: { a: number }): void;
export function anything(a: any): void;
export function rest(...a: number[]): void;
export function generic<T>(a: T): void;
export function ring(r: Ring): void;
export function more(m: More): void;
export function optional(o: Optional): void;
export function word(w: Word): void;
export function foreign(t: Thing): void;
export function untyped(a): void;
export function nothing(a: number);
export function maybe(a?: number): void;
export function twice(a: number): void;
export function twice(a: string): void;
export function abort(a: number): void;
export function $odd(a: number): void;
function inner(a: number): void;
