//! What people do on the platforms, told through the door.

use serde::Deserialize;

use crate::world::World;

/// What a person does.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "does", deny_unknown_fields)]
pub(crate) enum Act {
    /// A WeChat person writes to the account.
    WechatWrites { app_id: String, open_id: String },
    /// A WeChat person switches messages off.
    WechatRefuses { app_id: String, open_id: String },
    /// A Feishu person stops the bot.
    FeishuStopsBot { receive_id: String },
    /// A WeChat person allows one message of a template.
    WechatAllows { app_id: String, open_id: String, template_id: String },
    /// A customer adds a WeCom member: the code to welcome them with.
    WecomAdds { welcome_code: String },
    /// A person writes to an account on Douyin.
    DouyinWrites { message_id: String },
}

/// Nobody is there to do it, or nothing to do it to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    #[error("there is no WeChat account `{0}`")]
    Account(String),
    #[error("`{0}` neither follows the WeChat account nor has written to it")]
    Person(String),
    #[error("no application of Feishu has the receiver `{0}`")]
    Receiver(String),
}

impl Act {
    /// Does it at this moment.
    pub(crate) fn happen(self, world: &mut World, now: i64) -> Result<(), ActError> {
        match self {
            Self::WechatWrites { app_id, open_id } => {
                account(world, &app_id)?;
                world.wechat.writes(&app_id, &open_id, now);
            }
            Self::WechatRefuses { app_id, open_id } => {
                if !world.wechat.knows(account(world, &app_id)?, &open_id) {
                    return Err(ActError::Person(open_id));
                }
                world.wechat.refuses(&app_id, &open_id);
            }
            Self::FeishuStopsBot { receive_id } => {
                if !world.feishu.has_receiver(&receive_id) {
                    return Err(ActError::Receiver(receive_id));
                }
                world.feishu.stop_bot(&receive_id);
            }
            Self::WechatAllows { app_id, open_id, template_id } => {
                account(world, &app_id)?;
                world.wechat.allows(&app_id, &open_id, &template_id);
            }
            Self::WecomAdds { welcome_code } => world.wecom.adds(&welcome_code, now),
            Self::DouyinWrites { message_id } => world.douyin.writes(&message_id, now),
        }
        Ok(())
    }
}

fn account(world: &World, app_id: &str) -> Result<usize, ActError> {
    world.wechat.place(app_id).ok_or_else(|| ActError::Account(app_id.to_owned()))
}
