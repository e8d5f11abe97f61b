// As much of React's types as the guide's component needs: no registry is asked by a test.
declare namespace JSX {
  interface IntrinsicElements {
    input: { onChange?: (event: { target: { files: FileList | null } }) => void; type?: string; accept?: string };
    [name: string]: any;
  }
}
declare module 'react' {
  export function useState<T>(first: T): [T, (next: T) => void];
  export function useRef<T>(first: T): { current: T };
  export function useCallback<T extends Function>(call: T, needs: unknown[]): T;
  export function useEffect(effect: () => void | (() => void), needs: unknown[]): void;
}
declare module 'react/jsx-runtime' {
  export const jsx: any;
  export const jsxs: any;
  export const Fragment: any;
}
