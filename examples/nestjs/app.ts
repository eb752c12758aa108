import 'reflect-metadata';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpCode,
  Module,
  Param,
  Post,
  Req,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Request, Response } from 'express';
import { cookie, createSessions, requireSession, type SessionContextOf, SessionError } from 'token-sessions';
import { expressSessionErrors, expressSessions } from 'token-sessions/express';

const sessions = createSessions<{ userId: string; theme: string }>({ sources: [cookie()] });

/**
 * The middleware adds these to the request. An application declares them once: see
 * `token-sessions/express`.
 */
type WithSession = SessionContextOf<typeof sessions>;

@Controller()
class SessionController {
  // A real login checks a password here.
  @Post('login')
  @HttpCode(204)
  async login(@Req() request: WithSession) {
    await request.sessions.create({ userId: 'ada', theme: 'light' });
  }

  @Get('me')
  me(@Req() request: WithSession) {
    return requireSession(request).data;
  }

  // The middleware saves this, because the answer is not 5xx.
  @Post('theme/:name')
  @HttpCode(204)
  setTheme(@Req() request: WithSession, @Param('name') name: string) {
    requireSession(request).data.theme = name;
  }

  @Post('logout')
  @HttpCode(204)
  async logout(@Req() request: WithSession) {
    await request.session?.destroy();
  }
}

const markFailed = expressSessionErrors();

/** Answers the library's errors by their status, and drops the changes of the request. */
@Catch(SessionError)
class SessionErrorFilter implements ExceptionFilter<SessionError> {
  catch(error: SessionError, host: ArgumentsHost): void {
    const [request, response] = [
      host.switchToHttp().getRequest<Request>(),
      host.switchToHttp().getResponse<Response>(),
    ];
    markFailed(error, request, response, () =>
      response.status(error.status).json({ code: error.code, status: error.status }),
    );
  }
}

@Module({ controllers: [SessionController] })
class AppModule {}

/** The server: `await (await makeApp()).listen(3000)`. */
export async function makeApp() {
  const app = await NestFactory.create(AppModule, { logger: false });
  app.use(expressSessions(sessions));
  app.useGlobalFilters(new SessionErrorFilter());
  return app;
}
