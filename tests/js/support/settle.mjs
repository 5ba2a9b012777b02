/** Let everything that has been answered go on. */
export const settle = () => new Promise(setImmediate);
