/** AssemblyScript's name, so that assembly/program/format.ts is a TypeScript file too. */
declare type u32 = number
