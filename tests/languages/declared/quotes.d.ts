export type u32 = number;
export interface Point { x: number; y: number }
export declare class Session { }

export function price(amount: bigint, rate: number, name: string): number;
export function digest(data: Uint8Array, seed: u32): Buffer;
export function moved(point: Point, by: number): Promise<Point>;
export function several(count: u32): [number, string];
export function openSession(note: string | null): Session;
export function askSession(session: Session, question: string): string;
export function closeSession(session: Session): void;
