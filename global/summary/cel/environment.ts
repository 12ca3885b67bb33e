import { type CelEnv, celEnv } from "@bufbuild/cel";
import { TIME_FUNCTIONS } from "./time.js";

/** CEL's standard functions, all of them functions of their arguments alone. */
export const ENVIRONMENT: CelEnv = celEnv({ funcs: TIME_FUNCTIONS });
