export const API: string;
export const SESSION: string;
export const EMAIL: string;
export const PASSWORD: string;
export const ACCOUNT: { identity: { email: string }; password: string };
export function report(result: object): void;
