import './design/tokens.css';
import './design/base.css';
import { render } from 'preact';
import { noteAnswers } from './client/asking.ts';
import { Page } from './shell/page.tsx';
import { startRouter } from './shell/router.ts';

startRouter();
noteAnswers();
render(<Page />, document.querySelector('#page') ?? document.body);
