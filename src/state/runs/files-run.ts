/** Name of the runs that hold restore points open. */
export const filesRun = 'files';
