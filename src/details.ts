/**
 * Do errors of what only a file that dynedge did not write, or a wrong one of its own, can have go into details? In a page they name the
 * command that does: the build sets this to false there.
 */
export const DETAILS = true

/** What is said instead. */
export const INSPECT = 'see npx dynedge inspect'
