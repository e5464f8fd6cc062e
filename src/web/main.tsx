import './design/tokens.css';
import './design/base.css';
import { render } from 'preact';
import { Page } from './shell/page.tsx';
import { startRouter } from './shell/router.ts';

startRouter();
render(<Page />, document.querySelector('#page') ?? document.body);
