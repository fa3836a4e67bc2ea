/** What the commands write into notebooks. */

export const LOAD = "%load_ext flexiflow_jupyter";

export const MACHINE = `%%flexiflow
name: turnstile
states:
  locked:
    on: {coin: unlocked}
  unlocked:
    on: {push: locked}
`;

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="16" height="16">
<g class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">
<rect x="1.5" y="2" width="6" height="4" rx="1.5"/><rect x="8.5" y="10" width="6" height="4" rx="1.5"/>
<path d="M7.500 4h2a2.500 2.500 0 0 1 2.500 2.500V9M10.300 7.500 12 9.200l1.700-1.700"/></g></svg>`;
